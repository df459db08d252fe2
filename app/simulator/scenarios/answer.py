"""What a correct diagnosis of a scenario says, and which of the shipped alarms fire.

The shape of the JSON is documented in docs/simulator.md.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Firing:
    """An alarm and the entity for which it fires, once; the account and region are the answer's."""

    alarm: str
    entity: dict[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a scenario.

    `start_ms` to `end_ms` (Unix, end exclusive) are the minutes in which the data shows it: those
    with throttling, slow or failed requests, or without data. Texts are empty where they do not
    apply. `cause` is provisioned, key_range, account_limit or on_demand_maximum; `inferred` says
    that the metrics of causes are absent; `pattern` is single_burst, recurring_burst, sustained
    or hot_partition.
    """

    scenario: str
    account: str
    region: str
    table: str
    index: str
    direction: str
    operation: str
    start_ms: int
    end_ms: int
    cause: str
    inferred: bool
    pattern: str
    throttled: int
    alarms: tuple[str, ...]
    firings: tuple[Firing, ...]

    def write(self, path: Path) -> None:
        """Write the answer as JSON."""
        path.write_text(json.dumps(asdict(self), indent=1) + "\n")
