"""Where the series behind a number are read: over REST, and in PromQL."""

from urllib.parse import urlencode

from app.dynamodb.evidence import Evidence
from app.dynamodb.resources import INDEX, NAMESPACE, OPERATION, TABLE
from app.query.prometheus.families import cloudwatch_base
from app.query.prometheus.naming import statistic_suffix

_AROUND_MS = 15 * 60_000
_TELLING = (TABLE, INDEX, OPERATION, "Source")


def statistics_link(given: Evidence) -> str:
    """The address of the series' statistics, a quarter of an hour before and after included."""
    parameters = [
        ("namespace", NAMESPACE),
        ("metric", given.metric),
        ("account", given.account),
        ("region", given.region),
        *(("dimension", f"{name}:{value}") for name, value in given.dimensions),
        ("statistic", given.statistic),
        ("period", "60"),
        ("start", str(max(0, given.start_ms - _AROUND_MS))),
        ("end", str(given.end_ms + _AROUND_MS)),
    ]
    return f"/api/v1/statistics?{urlencode(parameters, safe=':/')}"


def selector(given: Evidence) -> str:
    """The PromQL selector of the series alone, dimensions that it has not being empty."""
    name = f"{cloudwatch_base(NAMESPACE, given.metric)}_{statistic_suffix(given.statistic)}"
    dimensions = dict(given.dimensions)
    labels = {"account": given.account, "region": given.region}
    labels |= {name: dimensions.get(name, "") for name in _TELLING}
    return f"{name}{{{', '.join(f'{label}={_quoted(value)}' for label, value in labels.items())}}}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    return f'"{escaped}"'
