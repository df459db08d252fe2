"""Access keys and read tokens as they are written in settings.

``one,two`` (line ends separate too), ``["one", "two"]``, or, for access keys, objects among them:
``[{"key": "…", "name": "team-a", "accounts": ["111122223333"]}]``. Whatever is wrong is a
``ValueError`` that names the place and never the secret.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from app.credentials.keys import AccessKey, KeyHolder

LONGEST_KEY = 4096
"""Characters of the key that Firehose sends (AWS Firehose guide, HTTP endpoint delivery)."""

_MEMBERS = ("key", "name", "accounts")
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_LONGEST_ACCOUNT = 255


def access_keys_from(value: object) -> tuple[AccessKey, ...]:
    """The access keys of a text or of a list, each with its holder."""
    keys = tuple(
        _access_key(item, number) for number, item in enumerate(_items(value, "access keys"), 1)
    )
    names = [key.holder.name for key in keys]
    if len(set(names)) < len(names):
        raise ValueError("two access keys have the same name")
    if len({key.key for key in keys}) < len(keys):
        raise ValueError("an access key is given twice")
    return keys


def tokens_from(value: object, kind: str) -> tuple[str, ...]:
    """The tokens of a kind, such as read tokens, of a text or of a list."""
    items = enumerate(_items(value, f"{kind} tokens"), 1)
    return tuple(_secret(item, f"{kind} token {number}") for number, item in items)


def _items(value: object, what: str) -> Iterator[Any]:
    if isinstance(value, str):
        if value.lstrip().startswith("{"):
            raise ValueError(f"{what} that are JSON are a list: put them in brackets")
        if not value.lstrip().startswith("["):
            yield from filter(None, map(str.strip, re.split(r"[,\r\n]", value)))
            return
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            # The error would quote nothing, but its document is the secret.
            raise ValueError(f"not a JSON list of {what}") from None
    if not isinstance(value, list | tuple):
        raise ValueError(f"expected a list of {what}, or one text with commas")  # noqa: TRY004 - a ValueError becomes a settings error
    yield from value


def _access_key(item: object, number: int) -> AccessKey:
    place = f"access key {number}"
    if isinstance(item, AccessKey):
        return item
    if not isinstance(item, dict):
        return AccessKey(_secret(item, place), KeyHolder(f"key-{number}"))
    unknown = [name for name in item if name not in _MEMBERS]
    if unknown:
        # Not named: it may be the key itself, where somebody wrote {"the key": […]}.
        raise ValueError(f"{place} has an unknown member; there are {', '.join(_MEMBERS)}")
    name = item.get("name", f"key-{number}")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ValueError(f"the name of {place} is not 1 to 64 letters, digits, '.', '_' or '-'")
    return AccessKey(_secret(item.get("key"), place), KeyHolder(name, _accounts(item, place)))


def _accounts(item: dict[str, object], place: str) -> frozenset[str] | None:
    accounts = item.get("accounts")
    if accounts is None:
        return None
    if not isinstance(accounts, list) or not accounts:
        raise ValueError(f"accounts of {place} is not a list of accounts; leave it out for any")
    for account in accounts:
        if not isinstance(account, str):
            raise ValueError(  # noqa: TRY004 - a ValueError becomes a settings error
                f"an account of {place} is no text: write it in quotes, as ids may begin with 0"
            )
        if not 0 < len(account) <= _LONGEST_ACCOUNT or account != account.strip():
            raise ValueError(f"an account of {place} is empty, too long or has outer blanks")
    return frozenset(accounts)


def _secret(value: object, place: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{place} is no text")  # noqa: TRY004 - a ValueError becomes a settings error
    if not value:
        raise ValueError(f"{place} is empty")
    if len(value) > LONGEST_KEY:
        raise ValueError(f"{place} has more than {LONGEST_KEY} characters")
    if _CONTROL.search(value):
        raise ValueError(f"{place} holds a control character, which no header can")
    if _SURROGATE.search(value):
        raise ValueError(f"{place} holds half a character, which no header can")
    return value
