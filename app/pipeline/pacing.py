"""How long the evaluator rests between two rounds.

Deliveries of one minute come one after the other, and each makes the minute dirty. Resting in
proportion to what a round took evaluates the minute a few times instead of once for each of them,
and leaves the processor to what receives.
"""

# So that a stream that never ends leaves evaluation about a fifth of one processor.
_REST_PER_SECOND = 4.0
_SHORTEST_REST = 0.1
_LONGEST_REST = 1.0
# What a delivery may have to wait for at worst: a round that began just before it, the rest, and
# the round that takes it in. Its values are to be there two seconds after the answer.
_VISIBLE_WITHIN = 1.8
# A round that takes longer than that is rested from as long as it took, up to this.
_LONGEST_OF_SLOW = 0.5


def rest_seconds(took: float) -> float:
    """The rest after a round that took so many seconds."""
    rest = min(_REST_PER_SECOND * took, _LONGEST_REST, _VISIBLE_WITHIN - 2 * took)
    return max(rest, min(took, _LONGEST_OF_SLOW), _SHORTEST_REST)
