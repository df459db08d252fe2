"""Rules: the files, what is in force of them, and each metric."""

from app.web.rules.page import add_rules

__all__ = ["add_rules"]
