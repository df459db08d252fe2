"""An explanation as text: from the value at the left margin to the points, deeper each step."""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from app.clock import MILLISECONDS_PER_MINUTE
from app.commands.counting import counted
from app.query.entity_text import entity_text

Content = Mapping[str, Any]

_STATISTICS = ("SampleCount", "Sum", "Minimum", "Maximum")


def explanation_lines(content: Content) -> Iterator[str]:
    """The lines for the content that the HTTP route gives."""
    yield f"{content['metric']} at {_time(content['time'])}"
    if content["searched"]:
        first, last = map(_time, content["searched"])
        yield f"  no time was given; looked for the newest value from {first} to {last}"
    for rule in content["rules"]:
        yield from _rule(rule)
    for value in content["values"]:
        yield ""
        yield from _value(value)
    hidden = content["total"] - len(content["values"])
    if hidden > 0:
        yield f"… and {hidden} more values; narrow them by entity, or raise --limit"
    for item in content["percentiles"]:
        ranks = ", ".join(f"p{rank} {_bound(b)}" for rank, b in item["percentiles"].items())
        yield f"\n{entity_text(item)}{_labels(item['labels'])}: {ranks}"
    for item in content["stored_only"]:
        yield f"\n{entity_text(item)}{_labels(item['labels'])}: stored {item['stored']['value']!r}"
        yield f"  {item['verdict_text']}"
    if content["reasons"]:
        yield "\nwhy there is no value:"
        yield from (f"  - {reason}" for reason in content["reasons"])
    for loss in content["losses"]:
        yield f"  ended at {loss['step']} ({loss['rule']}): {counted(loss['total'], 'sample')}"
        yield from _samples(loss["samples"], loss["total"], "    ")


def _rule(rule: Content) -> Iterator[str]:
    yield f"  rule {rule['rule']}: {rule['description'] or 'no description'}"
    for name in ("expression", "filter", "prefix", "suffix"):
        if rule[name]:
            yield f"    {name}: {rule[name]}"


def _value(value: Content) -> Iterator[str]:
    text = "no value" if value["value"] is None else repr(value["value"])
    if value["weight"] is not None and value["numerator"] is not None:
        text += f" = {value['numerator']!r} / {value['weight']!r}"
    yield f"{entity_text(value)}{_labels(value['labels'])}: {text}"
    stored = "nothing" if value["stored"] is None else repr(value["stored"]["value"])
    yield f"  stored: {stored}; {value['verdict_text']}"
    yield f"  by {value['rule']}; several samples at the end combine by {value['combine']}"
    depths = _depths(value["steps"])
    by_number = {step["step"]: step for step in value["steps"]}
    for step in reversed(value["steps"]):
        indent = "  " * (depths[step["step"]] + 1)
        names = [f"step {number}" for number in step["inputs"]]
        # Arithmetic between families has them in its text.
        of = f" of {', '.join(names)}" if len(names) == 1 else ""
        left_out = f", {step['left_out']} left out" if step["left_out"] else ""
        yield (
            f"{indent}step {step['step']}: {step['text']}{of}"
            f"  [{step['counted']} of the family's {counted(step['family'], 'sample')}{left_out}]"
        )
        total = step["counted"] + step["left_out"]
        before = [by_number[number]["samples"] for number in step["inputs"]]
        if step["samples"] and before == [step["samples"]]:
            yield f"{indent}  the same samples as step {step['inputs'][0]}"
        else:
            yield from _samples(step["samples"], total, f"{indent}  ")
    indent = "  " * (max(depths.values(), default=0) + 2)
    for series in value["series"]:
        yield from _series(series, indent)
    hidden = value["series_total"] - len(value["series"])
    if hidden > 0:
        yield f"{indent}… and {hidden} more series"


def _depths(steps: Sequence[Content]) -> dict[int, int]:
    """How many steps lie between each step and the value."""
    depths: dict[int, int] = {}
    for step in reversed(steps):
        depth = depths.setdefault(step["step"], 0)
        for number in step["inputs"]:
            depths[number] = max(depths.get(number, 0), depth + 1)
    return depths


def _samples(samples: Sequence[Content], total: int, indent: str) -> Iterator[str]:
    for sample in samples:
        weight = f" weight {sample['weight']!r}" if "weight" in sample else ""
        earlier = ""
        if "earlier" in sample:
            since = sample["earlier"]
            earlier = f" compared with {since['value']!r} of {_time(since['time'])}"
        left_out = f"  LEFT OUT: {sample['left_out']}" if sample["left_out"] else ""
        yield f"{indent}{sample['value']!r}{weight}{earlier}{_labels(sample['labels'])}{left_out}"
    if total > len(samples):
        yield f"{indent}… and {total - len(samples)} more"


def _series(series: Content, indent: str) -> Iterator[str]:
    names = (series["account"], series["region"], series["namespace"], series["metric"])
    head = " ".join(name for name in names if name)
    left_out = f"  LEFT OUT: {series['left_out']}" if series["left_out"] else ""
    yield f"{indent}series {head}{_labels(series['dimensions'])} in {series['unit']}{left_out}"
    for use in series["families"]:
        yield f"{indent}  {use['family']}: {use['statistic']} of each point"
    several = len(series["points"]) > 1
    if several and series["families"]:
        within = {use["within_minute"] for use in series["families"]}
        yield f"{indent}  several points of the minute combine by {', '.join(sorted(within))}"
    for point in (*series["earlier"], *series["points"]):
        numbers = [f"{n} {point[n]!r}" for n in _STATISTICS if not math.isnan(point[n])]
        numbers += [f"{name} {value!r}" for name, value in point.get("extra", {}).items()]
        yield f"{indent}  {_time(point['start'])} {point['period']} s: {', '.join(numbers)}"


def _bound(bound: float) -> str:
    return f"= {bound!r} ms" if math.isfinite(bound) else "beyond the last bound"


def _labels(labels: Mapping[str, str]) -> str:
    return (
        f" {{{', '.join(f'{name}={value}' for name, value in labels.items())}}}" if labels else ""
    )


def _time(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    text = moment.isoformat(timespec="seconds").replace("+00:00", "Z")
    whole = milliseconds % MILLISECONDS_PER_MINUTE % 1000 == 0
    return text if whole else f"{text[:-1]}.{milliseconds % 1000:03d}Z"
