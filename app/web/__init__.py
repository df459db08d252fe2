"""The pages at ``/``: what an operator looks at, rendered here and drawn in the browser.

They compute with the functions that REST answers from, so that a number is the same in both.
"""

from app.web.routes import add_web

__all__ = ["add_web"]
