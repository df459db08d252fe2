"""PromQL: parser and vectorised evaluator, pure over a reader of samples."""
