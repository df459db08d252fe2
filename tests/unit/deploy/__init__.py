"""Tests: what is in deploy/, docker-compose.yml and the Dockerfile."""
