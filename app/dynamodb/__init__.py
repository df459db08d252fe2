"""What the metrics of DynamoDB say: capacity, latency, throttling, cost, time to a limit."""
