"""Dashboards: the shipped ones and those of users, drawn from their descriptions."""

from app.web.dashboards.page import add_dashboards

__all__ = ["add_dashboards"]
