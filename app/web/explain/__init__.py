"""Why this number: a value taken apart down to its points."""

from app.web.explain.page import add_explain

__all__ = ["add_explain"]
