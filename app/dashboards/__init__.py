"""Dashboards as data: YAML files, which the web pages and Grafana draw alike."""

from app.dashboards.book import DashboardBook, Dashboards
from app.dashboards.expansion import Choices, Chosen, chart_of, choices_of
from app.dashboards.files import Fault, directories, load_dashboards
from app.dashboards.model import (
    ChartType,
    Dashboard,
    Query,
    Row,
    Severity,
    Threshold,
    Unit,
    Variable,
    Widget,
)
from app.dashboards.questions import Question, questions_of

__all__ = [
    "ChartType",
    "Choices",
    "Chosen",
    "Dashboard",
    "DashboardBook",
    "Dashboards",
    "Fault",
    "Query",
    "Question",
    "Row",
    "Severity",
    "Threshold",
    "Unit",
    "Variable",
    "Widget",
    "chart_of",
    "choices_of",
    "directories",
    "load_dashboards",
    "questions_of",
]
