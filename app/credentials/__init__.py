"""Credentials: who may deliver, who may read, and secrets that are files."""

from app.credentials.configured import access_keys_from, tokens_from
from app.credentials.keys import ANYONE, AccessKey, AccessKeys, KeyHolder
from app.credentials.secret_files import (
    exposed_files,
    read_secret,
    read_secret_files,
    unknown_files,
)
from app.credentials.sessions import Session, Sessions
from app.credentials.weakness import weaknesses

__all__ = [
    "ANYONE",
    "AccessKey",
    "AccessKeys",
    "KeyHolder",
    "Session",
    "Sessions",
    "access_keys_from",
    "exposed_files",
    "read_secret",
    "read_secret_files",
    "tokens_from",
    "unknown_files",
    "weaknesses",
]
