"""The views of revision 0009, spelt out: they must not change when those of a later release do.

``point_rows``, ``value_rows`` and the like show what stands with ids, ``v_points``, ``v_values``
and the like with names. The names of metrics are in the former too: a condition on them has to be
met before anything is decoded.
"""

from migrations.columns import postgresql_views, sqlite_views

NAMED = (
    "v_points",
    "v_points_5m",
    "v_points_1h",
    "v_extra_statistics",
    "v_values",
    "v_values_5m",
    "v_values_1h",
)
"""Those that there were before."""


def views(*, sqlite: bool) -> dict[str, str]:
    """Names and queries, in an order in which they can be made."""
    engine = sqlite_views if sqlite else postgresql_views
    found = {}
    for suffix, minutes in (("", 1), ("_5m", 5), ("_1h", 60)):
        of_tier, of_minutes = (", r.minutes", "") if suffix else ("", ", r.backfilled")
        found[f"value_rows{suffix}"] = engine.values(suffix)
        found[f"v_values{suffix}"] = _VALUES.format(suffix=suffix, more=of_tier)
        found[f"point_rows{suffix}"] = engine.tier(suffix, minutes) if suffix else engine.POINTS
        found[f"v_points{suffix}"] = _POINTS.format(suffix=suffix, more=of_minutes)
    found["extra_statistic_rows"] = engine.EXTRAS
    found["v_extra_statistics"] = _EXTRAS
    return found


_VALUES = """
    SELECT r.metric, e.scope, e.layer, e.service, e.instance, e.endpoint, e.process,
           e.region, e.dest_service, e.dest_instance, e.dest_process, e.detect_point,
           e.component, l.labels, r.minute, CAST(r.minute AS BIGINT) * 60000 AS start_ms,
           r.value{more}, r.numerator, r.weight
    FROM value_rows{suffix} r
    JOIN entity e ON e.entity_id = r.entity_id
    JOIN label_set l ON l.label_set_id = r.label_set_id
"""
_POINTS = """
    SELECT r.account, r.region, r.namespace, r.metric, r.dimensions, r.unit, r.minute,
           CAST(r.minute AS BIGINT) * 60000 + r.offset_ms AS start_ms, r.period_ms,
           r.sample_count, r.sum, r.minimum, r.maximum{more}
    FROM point_rows{suffix} r
"""
_EXTRAS = """
    SELECT r.account, r.region, r.namespace, r.metric, r.dimensions, r.unit, r.minute,
           CAST(r.minute AS BIGINT) * 60000 + r.offset_ms AS start_ms, r.statistic, r.value
    FROM extra_statistic_rows r
"""
