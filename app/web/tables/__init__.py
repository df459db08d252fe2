"""``GET /tables``: all tables of DynamoDB."""

from app.web.tables.page import add_tables

__all__ = ["add_tables"]
