"""Explore: any PromQL expression, and every series as CloudWatch names it."""

from app.web.explore.page import add_explore
from app.web.explore.statistics import add_statistics

__all__ = ["add_explore", "add_statistics"]
