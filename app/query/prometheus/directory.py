"""The names of raw series: which families stand behind each, and what must be told apart there."""

from collections.abc import Iterable, Mapping

from app.query.prometheus.families import (
    Family,
    Form,
    Source,
    cloudwatch_base,
    cloudwatch_family,
    families,
    percentile_of_suffix,
)
from app.query.prometheus.naming import (
    KIND,
    METRIC,
    NAMESPACE,
    STATISTIC,
    UNIT,
)


class Directory:
    """Immutable. ``units`` are those of the series of each source, ``extras`` their statistics."""

    def __init__(
        self, units: Mapping[Source, frozenset[str]], extras: Mapping[Source, frozenset[str]]
    ) -> None:
        self.units = units
        self.extras = extras
        self.classic: dict[str, list[Family]] = {}
        self._spelt: dict[str, list[Family]] = {}
        self._bases: dict[str, list[Source]] = {}
        self._metrics: dict[str, list[Source]] = {}
        for source in sorted(units, key=lambda s: (s.namespace, s.metric, s.kind)):
            if source.namespace:
                base = cloudwatch_base(source.namespace, source.metric)
                self._bases.setdefault(base, []).append(source)
                spelt = f"{source.namespace}/{source.metric}"
                self._metrics.setdefault(spelt, []).append(source)
            for family in families(source, extras.get(source, ())):
                self.classic.setdefault(family.name, []).append(family)
                if family.spelt != family.name:
                    self._spelt.setdefault(family.spelt, []).append(family)

    def families(self, name: str) -> list[Family]:
        """The families of a classic name, also of a percentile that has not been seen yet."""
        known = self.classic.get(name)
        if known is not None:
            return known
        for place in range(len(name) - 1, 0, -1):
            if name[place] == "_" and name[:place] in self._bases:
                statistic = percentile_of_suffix(name[place + 1 :])
                if statistic is not None:
                    return [cloudwatch_family(s, statistic) for s in self._bases[name[:place]]]
        return []

    def may_be_statistic(self, name: str) -> bool:
        """Whether a name can be that of a statistic of a metric that there is, seen or not."""
        return "/" in name or any(
            name[place] == "_" and name[:place] in self._bases for place in range(1, len(name))
        )

    def spelt_families(self, name: str) -> list[Family]:
        """The families of a name as CloudWatch, or another source, spells it."""
        known = self._spelt.get(name)
        if known is not None:
            return known
        metric, _, statistic = name.rpartition("/")
        if not statistic:
            return []
        return [cloudwatch_family(source, statistic) for source in self._metrics.get(metric, ())]

    def aspects(self, of_name: Iterable[Family], *, is_metric: bool) -> tuple[str, ...]:
        """Labels that tell the series of a name apart where their other labels might not.

        They depend on all that is stored and not on what came first. ``is_metric`` says that a
        metric of a rule has the name, too.
        """
        seen: dict[str, set[str]] = {}
        for family in of_name:
            for label, value in aspects_of(family).items():
                seen.setdefault(label, set()).add(value)
            seen.setdefault(UNIT, set()).update(self.units[family.source])
        varying = [label for label, values in seen.items() if len(values) > 1]
        if is_metric and METRIC not in varying:
            varying.append(METRIC)
        return tuple(sorted(varying))


def aspects_of(family: Family) -> dict[str, str]:
    """What a family's source says of itself, by label; its series add their unit."""
    return {
        NAMESPACE: family.source.namespace,
        METRIC: family.source.metric,
        STATISTIC: family.statistic if family.form is Form.STATISTIC else family.form.value,
        KIND: family.source.kind,
    }
