"""Why there is nothing: where samples end that seem to be of the entity asked for."""

from collections.abc import Iterable, Iterator, Sequence
from difflib import get_close_matches

import numpy as np

from app.arrays import IntArray
from app.mal import CompiledExpression, Entity, Labels, Node
from app.mal.nodes import Evaluation
from app.mal.tracing import LabelRecorder, dropped, in_order
from app.rules.explanation import ExplainedRule, Loss, Sample

Parts = Sequence[tuple[str, str | None]]
"""Names of the parts of an entity, and what was asked for; None means any."""

_MOST_NEAR = 5
_SHORTEST_ENDING = 4


def find_losses(
    evaluation: Evaluation,
    expression: CompiledExpression,
    recorder: LabelRecorder,
    *,
    rule: ExplainedRule,
    parts: Parts,
    limit: int,
) -> Iterator[Loss]:
    """Samples that name what was asked for and end before they become a value, step by step."""
    emission = expression.emission

    def loss(step: str, node: Node, rows: IntArray) -> Iterator[Loss]:
        labels, values = recorder.labels(node), evaluation.frame(node).value
        naming = [row for row in rows.tolist() if names_parts(labels[row], parts)]
        if naming:
            samples = tuple(Sample(labels[row], float(values[row])) for row in naming[:limit])
            yield Loss(rule, step, len(naming), samples)

    for node in in_order(emission.source):
        for inner, rows in zip(node.inputs, dropped(evaluation, node), strict=True):
            yield from loss(node.step, inner, rows)
    end = emission.source
    present = np.flatnonzero(~np.isnan(evaluation.frame(end).value))
    reaching = [emission.contributors(number) for number in range(len(emission.targets))]
    nowhere = np.setdiff1d(present, np.concatenate([np.empty(0, np.int64), *reaching]))
    step = f"{expression.entity_rule.scope}: a label that names it is empty"
    yield from loss(step, end, nowhere)


def names_parts(labels: Labels, parts: Parts) -> bool:
    """Whether the labels seem to name every part: one has it as value, or it ends in one's value.

    ``aws-dynamodb::111122223333`` ends in the account's number. Without anything asked for, all do.
    """
    return all(
        wanted is None
        or any(
            value == wanted or (len(value) >= _SHORTEST_ENDING and wanted.endswith(value))
            for value in labels.values()
        )
        for _, wanted in parts
    )


def near_entities(entities: Iterable[Entity], parts: Parts) -> tuple[Entity, ...]:
    """Entities whose names are most like those asked for, the best first."""
    by_name: dict[str, Entity] = {}
    for entity in entities:
        by_name.setdefault(_name(entity, parts), entity)
    asked = " ".join(wanted for _, wanted in parts if wanted is not None)
    if not asked:
        return ()
    return tuple(by_name[name] for name in get_close_matches(asked, by_name, _MOST_NEAR, 0.6))


def _name(entity: Entity, parts: Parts) -> str:
    """The entity's parts that were asked for, as one text."""
    return " ".join(getattr(entity, part) for part, wanted in parts if wanted is not None)
