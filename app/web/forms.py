"""Forms of pages, as browsers send them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from fastapi import Request

from app.api.json_body import read_small_body
from app.errors import InvalidParameter, InvalidRequest, UnsupportedMediaType

LARGEST_BYTES = 16 * 1024
_MOST_FIELDS = 100
_TYPE = "application/x-www-form-urlencoded"


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form; values are without blanks around them."""

    fields: Mapping[str, tuple[str, ...]]

    def text(self, name: str, *, longest: int | None = None) -> str:
        """The last value of a field, empty where there is none. Raises ``InvalidParameter``."""
        value = self.fields.get(name, ("",))[-1]
        if longest is not None and len(value) > longest:
            raise InvalidParameter(name, f"it has more than {longest} characters")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """All values of a field, in their order; empty ones too."""
        return self.fields.get(name, ())


async def read_form(
    request: Request, names: Collection[str], largest_bytes: int = LARGEST_BYTES
) -> Form:
    """The form in the body of a request, which has these fields and no others.

    Raises ``UnsupportedMediaType``, ``TooLarge``, ``RequestTimeout``, ``InvalidRequest``, and
    ``InvalidParameter``, which names the field.
    """
    declared = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared != _TYPE:
        raise UnsupportedMediaType(f"a form of type {_TYPE} is expected")
    body = await read_small_body(request, largest_bytes)
    try:
        fields = parse_qs(
            body.decode("ascii"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=_MOST_FIELDS,
        )
    except ValueError as error:
        raise InvalidRequest("the form cannot be read") from error
    for name, values in fields.items():
        if name not in names:
            raise InvalidParameter(name, f"this form has {', '.join(names)}")
        if any("\0" in value for value in values):
            raise InvalidParameter(name, "a NUL character cannot be part of it")
    return Form({name: tuple(map(str.strip, values)) for name, values in fields.items()})
