"""Reading what Firehose left in S3."""
