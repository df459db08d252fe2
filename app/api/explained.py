"""The JSON of an explanation, the same over HTTP and on the command line."""

from typing import Any

from app.api.entities import entity_content
from app.api.series import identity_content
from app.clock import MILLISECONDS_PER_MINUTE
from app.mal import Entity
from app.query import Answer
from app.query.source_points import SourcePoint
from app.query.verdicts import FamilyState, StoredValue, Verdict
from app.rules import ExplainedRule, ExplainedValue
from app.rules.explanation import Sample, SourceSeries, Step

Content = dict[str, Any]


def answer_content(answer: Answer) -> Content:
    """An answer as an object of JSON; times are milliseconds since the epoch."""
    explanation = answer.explanation
    places = {id(rule): rule.definition.place for rule in explanation.rules}
    searched = answer.searched
    return {
        "metric": answer.question.metric,
        "time": _ms(answer.minute),
        "searched": None if searched is None else [_ms(minute) for minute in searched],
        "rules": [_rule(rule) for rule in explanation.rules],
        "total": explanation.total,
        "values": [
            _value(answer, *item)
            for item in zip(explanation.values, answer.stored, answer.verdicts, strict=True)
        ],
        "percentiles": [
            {
                **_entity(item.entity),
                "labels": dict(item.labels),
                "percentiles": {str(rank): value for rank, value in item.by_rank.items()},
            }
            for item in explanation.percentiles
        ],
        "stored_only": [
            {
                **_entity(item.entity),
                "labels": dict(item.labels),
                "stored": _stored(item.stored),
                **_verdict(item.verdict),
            }
            for item in answer.stored_only
        ],
        "reasons": list(answer.reasons),
        "families": [_family(state) for state in answer.families],
        "losses": [
            {
                "rule": places[id(loss.rule)],
                "step": loss.step,
                "total": loss.total,
                "samples": [_sample(sample) for sample in loss.samples],
            }
            for loss in explanation.losses
        ],
        "near": [_entity(entity) for entity in explanation.near],
        "faults": list(explanation.faults),
    }


def _rule(rule: ExplainedRule) -> Content:
    definition = rule.definition
    return {
        "rule": definition.place,
        "expression": definition.expression,
        "filter": rule.filter,
        "prefix": rule.prefix,
        "suffix": rule.suffix,
        "scope": definition.scope.value,
        "layer": definition.layer,
        "combine": definition.combine.value,
        "labelled": definition.labelled,
        "unit": definition.unit,
        "description": definition.description,
    }


def _value(
    answer: Answer, value: ExplainedValue, stored: StoredValue | None, found: Verdict
) -> Content:
    return {
        **_entity(value.entity),
        "labels": dict(value.labels),
        "value": value.value,
        "numerator": value.numerator,
        "weight": value.weight,
        "combine": value.combine.value,
        "rule": value.rule.definition.place,
        "overruled_by": value.overruled_by or None,
        "stored": None if stored is None else _stored(stored),
        **_verdict(found),
        "steps": [_step(step) for step in value.steps],
        "series_total": value.series_total,
        "series": [_series(answer, series) for series in value.series],
    }


def _step(step: Step) -> Content:
    return {
        "step": step.number,
        "text": step.text,
        "inputs": list(step.inputs),
        "family": step.family,
        "counted": step.counted,
        "left_out": step.left_out,
        "samples": [_sample(sample) for sample in step.samples],
    }


def _sample(sample: Sample) -> Content:
    content: Content = {"labels": dict(sample.labels), "value": sample.value}
    if sample.weight is not None:
        content["weight"] = sample.weight
    if sample.earlier is not None:
        time, value = sample.earlier
        content["earlier"] = {"time": time, "value": value}
    content["left_out"] = sample.left_out or None
    return content


def _series(answer: Answer, series: SourceSeries) -> Content:
    return {
        **identity_content(series.identity),
        "families": [
            {
                "family": use.family,
                "statistic": use.statistic,
                "within_minute": use.within_minute.value,
            }
            for use in series.uses
        ],
        "left_out": series.left_out or None,
        "points": [_point(point) for point in answer.points.of_series(series.series_id)],
        "earlier": [_point(point) for point in answer.points.earlier_of_series(series.series_id)],
    }


def _point(point: SourcePoint) -> Content:
    return {
        "start": point.start_ms,
        "period": point.period_ms // 1000,
        "SampleCount": point.count,
        "Sum": point.total,
        "Minimum": point.minimum,
        "Maximum": point.maximum,
        **({"extra": point.extra} if point.extra else {}),
    }


def _family(state: FamilyState) -> Content:
    return {
        "family": state.family,
        "series": state.series,
        "with_points": state.with_points,
        "naming": state.naming,
        "naming_with_points": state.naming_with_points,
        "newest": None if state.newest is None else _ms(state.newest),
    }


def _entity(entity: Entity) -> Content:
    return {**entity_content(entity), "instance": entity.instance}


def _stored(stored: StoredValue) -> Content:
    return {"value": stored.value, "numerator": stored.numerator, "weight": stored.weight}


def _verdict(found: Verdict) -> Content:
    return {"verdict": found.value, "verdict_text": found.text}


def _ms(minute: int) -> int:
    return minute * MILLISECONDS_PER_MINUTE
