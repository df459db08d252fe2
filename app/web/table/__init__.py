"""The page of one table: what is wrong with it in words, its charts, and everything behind them."""

from app.web.table.page import add_table

__all__ = ["add_table"]
