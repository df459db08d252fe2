"""What several pages show of DynamoDB: figures of all tables, their costs, time to limits."""

from app.web.figures.asking import Figures

__all__ = ["Figures"]
