"""Keys that work and should not be used."""

from collections.abc import Iterator, Sequence

from app.credentials.keys import AccessKey

_SHORTEST = 16
_FEWEST_CHARACTERS = 6
"""Different ones. Sixteen random hexadecimal digits have fewer once in thirty thousand times."""


def weaknesses(
    access_keys: Sequence[AccessKey],
    read_tokens: Sequence[str],
    operator_tokens: Sequence[str] = (),
) -> Iterator[str]:
    """A sentence for each weakness, without the secret itself."""
    named = [(f"the access key {key.holder.name}", key.key) for key in access_keys]
    named += [(f"read token {number}", token) for number, token in enumerate(read_tokens, 1)]
    named += [(f"operator token {number}", each) for number, each in enumerate(operator_tokens, 1)]
    for what, secret in named:
        if len(secret) < _SHORTEST:
            yield f"{what} has fewer than {_SHORTEST} characters and can be guessed"
        elif len(set(secret)) < _FEWEST_CHARACTERS:
            yield f"{what} repeats a few characters and can be guessed"
    keys = {key.key for key in access_keys}
    if not keys.isdisjoint(read_tokens):
        yield "a read token is also an access key: who may deliver can read everything"
    if not (keys | set(read_tokens)).isdisjoint(operator_tokens):
        yield "an operator token is also a read token or an access key: they can silence alarms"
