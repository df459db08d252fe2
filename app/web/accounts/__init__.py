"""``GET /accounts/{account}``: all of an account."""

from app.web.accounts.page import add_accounts

__all__ = ["add_accounts"]
