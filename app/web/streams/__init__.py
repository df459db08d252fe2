"""Streams: what delivers, how late, and what could not be read."""

from app.web.streams.page import add_streams

__all__ = ["add_streams"]
