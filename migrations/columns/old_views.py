"""The views of revision 0008, for the way back."""

_POINTS = """
    SELECT s.account, s.region, s.namespace, s.metric, s.dimensions, s.unit, p.minute,
           CAST(p.minute AS BIGINT) * 60000 + p.offset_ms AS start_ms, p.period_ms,
           p.sample_count, p.sum, p.minimum, p.maximum{more}
    FROM point{suffix} p JOIN series s ON s.series_id = p.series_id
"""
_BACKFILLED = ", CASE WHEN p.backfilled IS NULL THEN 0 ELSE 1 END AS backfilled"
_EXTRAS = """
    SELECT s.account, s.region, s.namespace, s.metric, s.dimensions, s.unit, e.minute,
           CAST(e.minute AS BIGINT) * 60000 + e.offset_ms AS start_ms, e.statistic, e.value
    FROM extra_statistic e
    JOIN point p ON p.minute = e.minute AND p.series_id = e.series_id
                AND p.offset_ms = e.offset_ms AND p.sample_count = e.sample_count
                AND (p.backfilled IS NULL) = (e.backfilled IS NULL)
    JOIN series s ON s.series_id = e.series_id
"""
_VALUES = """
    SELECT m.name AS metric, e.scope, e.layer, e.service, e.instance, e.endpoint, e.process,
           e.region, e.dest_service, e.dest_instance, e.dest_process, e.detect_point,
           e.component, l.labels, v.minute,
           CAST(v.minute AS BIGINT) * 60000 AS start_ms, v.value{more}
    FROM metric_value{suffix} v
    JOIN metric m ON m.metric_id = v.metric_id
    JOIN entity e ON e.entity_id = v.entity_id
    JOIN label_set l ON l.label_set_id = v.label_set_id
"""


def old_views() -> dict[str, str]:
    """Names and queries."""
    found = {"v_extra_statistics": _EXTRAS}
    for suffix in ("", "_5m", "_1h"):
        more = "" if suffix else _BACKFILLED
        found[f"v_points{suffix}"] = _POINTS.format(suffix=suffix, more=more)
        minutes = ", v.minutes" if suffix else ""
        found[f"v_values{suffix}"] = _VALUES.format(suffix=suffix, more=minutes)
    return found
