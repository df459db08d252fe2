"""What matchers choose: names first, then conditions on the labels that the rest are about."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.labels import METRIC_NAME
from app.promql.ast import Matcher, MatchOperator
from app.promql.matching import compile_matcher
from app.query.prometheus.label_table import Condition


@dataclass(frozen=True, slots=True)
class Choice:
    """Conditions on the name and on other labels; ``name`` is the only one possible, if it is.

    ``of_labels`` are the matchers that the conditions on labels come from: equal ones choose alike.
    """

    name: str | None
    on_name: tuple[Condition, ...]
    on_labels: tuple[Condition, ...]
    of_labels: tuple[Matcher, ...] = ()

    @classmethod
    def of(cls, matchers: Sequence[Matcher]) -> "Choice":
        """Raises ``QueryFailed`` later on, for regular expressions that take too long."""
        equal = [
            matcher.value
            for matcher in matchers
            if matcher.name == METRIC_NAME and matcher.operator is MatchOperator.EQUAL
        ]
        conditions = [(matcher.name, compile_matcher(matcher)) for matcher in matchers]
        return cls(
            equal[0] if equal else None,
            tuple(each for each in conditions if each[0] == METRIC_NAME),
            tuple(each for each in conditions if each[0] != METRIC_NAME),
            tuple(matcher for matcher in matchers if matcher.name != METRIC_NAME),
        )

    def names(self, known: Iterable[str]) -> list[str]:
        """Those of the names that are wanted, sorted."""
        return sorted(name for name in known if self.wants_name(name))

    def wants_name(self, name: str) -> bool:
        """Whether the conditions on the name let it through."""
        return all(is_wanted(name) for _, is_wanted in self.on_name)

    def without(self, *labels: str) -> tuple[Condition, ...]:
        """Conditions on labels other than these."""
        return tuple(each for each in self.on_labels if each[0] not in labels)

    def wants(self, label: str, value: str) -> bool:
        """Whether the conditions on one label let a value through."""
        return all(is_wanted(value) for name, is_wanted in self.on_labels if name == label)
