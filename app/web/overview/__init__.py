"""``GET /``: what is wrong, and who carries the load."""

from app.web.overview.page import add_overview

__all__ = ["add_overview"]
