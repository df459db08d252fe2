"""Shell patterns on labels: ``{TableName: ["prod-*", orders], region: "eu-*"}``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import translate


@dataclass(frozen=True, slots=True)
class LabelPatterns:
    """Patterns by label. ``*``, ``?`` and ``[…]`` as in a shell; case counts.

    A label set matches when every label named here matches one of its patterns; a label that is
    not there has the empty value. No patterns at all match everything.
    """

    patterns: tuple[tuple[str, tuple[str, ...]], ...] = ()
    _compiled: tuple[tuple[str, re.Pattern[str]], ...] = field(
        default=(), init=False, compare=False, repr=False
    )

    def __post_init__(self) -> None:
        compiled = tuple(
            (label, re.compile("|".join(map(translate, texts)))) for label, texts in self.patterns
        )
        object.__setattr__(self, "_compiled", compiled)

    def __bool__(self) -> bool:
        return bool(self.patterns)

    def match(self, labels: Mapping[str, str]) -> bool:
        """Whether a label set matches."""
        return all(pattern.match(labels.get(label, "")) for label, pattern in self._compiled)
