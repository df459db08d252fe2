"""The first page: accounts and regions, what fires, and the tables that stand out."""

from app.web.overview.page import add_overview

__all__ = ["add_overview"]
