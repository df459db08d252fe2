"""The soak test: a simulated Firehose streams through TLS while everything behind it fails.

``python -m tests.soak`` (``make soak``) is the long form; tests/e2e/test_soak.py runs a short one.
"""
