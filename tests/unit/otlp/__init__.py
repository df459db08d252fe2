"""The decoders, held against opentelemetry-proto and json."""
