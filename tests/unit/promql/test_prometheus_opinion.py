"""The parser and the printer beside a real Prometheus, at its ``/api/v1/format_query``.

Debian's is 2.42: what has changed or come since is listed by the marks of the new language.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.errors import QuerySyntaxError
from app.promql.parsing import format_expression, parse
from tests.fixtures.promql_texts import expression
from tests.unit.promql.test_printing import BROKEN, CANONICAL
from tests.unit.promql.test_syntax_errors import LEXICAL, MEANING, SYNTAX

prometheus = pytest.importorskip(
    "tests.fixtures.prometheus", reason="the fixture of a real Prometheus is not there"
)
promql_data = pytest.importorskip("tests.fixtures.promql_data", reason="neither are its series")

GENERATED = 700

NEWER = frozenset(
    {
        "x[",
        "x['5m']",
        "x[a]",
        "x[5m + foo]",
        "x[:5m]",
        "1e",
        "1..2",
        "1__0",
        "1m1h",
        "1.5h",
        "99999999999y",
        "x[1e20]",
        "x offset NaN",
        "sum by ('') (x)",
        "x{'a' 'b'}",
        "x[]",
        "x[5m +]",
        "x[5m:*]",
        "x offset",
        "x offset y",
        "x offset (5m y)",
        "x + fill(y) z",
        "holt_winters(x[5m], 1, 1)",
        "x[-5m]",
        "x[5m:-1m]",
        "x[0.0001]",
        "x[5m / 0]",
        "x[5m % 0s]",
        "x anchored smoothed",
        "x[5m:] anchored",
        "sum(x) smoothed",
        "info(x, y)",
        "info(x, sum(y))",
        "info({}, {})",
        'x{"y"}',
        "x + fill(1) 1",
        "x or fill(1) y",
        "x{a=~'('}",
        'sum by ("a b", without1, "without", "inf", by) (x)',
        '{"x.y", "a b"="c"}',
        "x[5m:]@end()offset 60",
        "x offset 5m anchored @ start()",
        "x[5m] offset 5m smoothed",
        "x[5m+60*2]",
        "x[(1+2)*3m]",
        "x[(1*2)+3m]",
        "x[min(step(),1)]",
        "x offset -(step()^2)",
        "x offset (1h-step())",
        "x offset (5m)",
        "1e-7",
        "Inf^2",
        "90m",
        "-90s",
        "x+fill_left(0)fill_right(0)y",
        "x+fill_right(1)y",
    }
)
"""Texts of our tables that Prometheus 2.42 reads or prints in another way than Prometheus 3 does.

Durations as numbers and calculations, underscores, names in quotes, new words and functions.
"""

NEWER_IN_GENERATED = re.compile(
    r"histogram_(?:avg|stddev|stdvar)"
    r"|ignoring\(\) group"  # its printer leaves it out
)


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    one = promql_data.GeneratedSeries(
        "one", "gauge", (("__name__", "one"),), [1_700_000_000_123], [1.0]
    )
    directory: Path = tmp_path_factory.mktemp("prometheus")
    with (
        prometheus.running_prometheus([one], directory) as url,
        httpx.Client(base_url=url, trust_env=False, timeout=30.0) as client,
    ):
        yield client


def test_prometheus_refuses_and_prints_the_same(client: httpx.Client) -> None:
    tables = (LEXICAL, SYNTAX, MEANING, CANONICAL, BROKEN)
    texts = {text for table in tables for text in table if text and "\ud800" not in text}
    differing = {text for text in texts if _ours(text) != _theirs(client, text)}
    assert differing == NEWER
    assert len(texts) > 3 * len(differing)


def test_prometheus_prints_generated_expressions_the_same(client: httpx.Client) -> None:
    texts = [expression(seed, plain=True) for seed in range(GENERATED)]
    texts = [text for text in texts if not NEWER_IN_GENERATED.search(text)]
    assert len(texts) > GENERATED * 0.9
    for text in texts:
        assert _ours(text) == _theirs(client, text), text


def _ours(text: str) -> str:
    try:
        return format_expression(parse(text))
    except QuerySyntaxError as error:
        return error.message


def _theirs(client: httpx.Client, text: str) -> str:
    reply = client.post("/api/v1/format_query", data={"query": text}).json()
    if reply["status"] == "success":
        return str(reply["data"])
    return str(reply["error"]).removeprefix('invalid parameter "query": ')
