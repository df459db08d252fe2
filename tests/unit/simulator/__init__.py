"""The simulated Firehose, against independent readings of what it writes."""
