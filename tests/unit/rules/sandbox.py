"""Expressions over families given by hand, through the sandbox of ``hydrant mal eval``."""

from collections.abc import Mapping, Sequence

from app.rules.files import parse_rule_file
from app.rules.sandbox import MetricResult, Sample, evaluate_families

NOW_MS = 1_700_000_000_000
END = "service(['svc'], Layer.L)"

Given = Sequence[tuple[Mapping[str, str], float] | tuple[Mapping[str, str], float, int]]


def samples(given: Given) -> list[Sample]:
    """Samples of (labels, value) or (labels, value, milliseconds)."""
    return [Sample(labels, value, time[0] if time else NOW_MS) for labels, value, *time in given]


def run(
    expression: str,
    families: Mapping[str, Given],
    *,
    end: str = END,
    now_ms: int = NOW_MS,
    file_filter: str = "",
) -> tuple[MetricResult, list[str]]:
    """The result of one rule that ends in ``end``, and the faults."""
    text = "metricPrefix: p\n"
    if file_filter:
        text += f"filter: |\n  {file_filter}\n"
    text += "metricsRules:\n  - name: m\n    exp: |\n"
    text += f"      ({expression}).{end}\n" if end else f"      {expression}\n"
    file = parse_rule_file(text, "f.yaml")
    result = evaluate_families(
        file, {name: samples(given) for name, given in families.items()}, now_ms
    )
    return result.metrics["p_m"], result.faults


def values(expression: str, families: Mapping[str, Given], **how: str) -> list[float]:
    """The values of the final family, in the order of the samples."""
    result, faults = run(expression, families, **how)  # type: ignore[arg-type]
    assert not faults
    return [value for _, value in result.samples]
