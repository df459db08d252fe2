"""Views of SQLite: functions make rows of blocks, see app/storage/sql_functions.py.

CROSS JOIN keeps the order of tables, so that nothing is decoded before conditions are met.
"""

# ruff: noqa: S608 - all of it is made of constants

from collections.abc import Collection

from migrations.columns.statistics import BASIC


def _integer(first: int) -> str:
    return f"CAST(substr(j.value, {first}, 19) AS INTEGER)"


def _double(first: int) -> str:
    return f"hydrant_double(substr(j.value, {first}, 16))"


FIELDS = (
    f"{_integer(1)} AS entity_id, {_integer(20)} AS label_set_id, {_double(58)} AS value,"
    f" {_double(74)} AS numerator, {_double(90)} AS weight"
)


def stored_values(suffix: str) -> str:
    """The rows of a tier, without packed hours."""
    minutes = f", {_integer(39)} AS minutes" if suffix else ""
    return f"""
    SELECT v.minute AS minute, m.metric_id AS metric_id, m.name AS metric, {FIELDS}{minutes}
    FROM metric_value{suffix} v JOIN metric m ON m.metric_id = v.metric_id
    CROSS JOIN json_each(hydrant_value_rows(
        v.entity_id, v.label_set_id, v.value, v.numerator, v.weight,
        {"v.minutes" if suffix else "NULL"})) j
    """


def values(suffix: str) -> str:
    if suffix:
        return stored_values(suffix)
    return f"""
    {stored_values("")} UNION ALL
    SELECT h.minute + o.n, m.metric_id, m.name, {FIELDS}
    FROM packed_hour h CROSS JOIN ({MINUTES_OF_AN_HOUR}) o CROSS JOIN metric m
    CROSS JOIN packed_value p ON p.minute = h.minute AND p.metric_id = m.metric_id
    CROSS JOIN json_each(hydrant_packed_rows(o.n, p.entity_id, p.label_set_id, p.row,
        p.minute_of_hour, p.value, p.numerator, p.weight)) j
    WHERE h.value_minutes >> o.n & 1 AND NOT EXISTS (
        SELECT 1 FROM metric_value v
        WHERE v.minute = h.minute + o.n AND v.metric_id = m.metric_id)
    """


MINUTES_OF_AN_HOUR = """
    WITH RECURSIVE o(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM o WHERE n < 59) SELECT n FROM o
"""
# CloudWatch's metrics and their groups, hopping along the index, however many series there are.
_GROUPS = """
    WITH RECURSIVE g(namespace, metric) AS (
        SELECT a.* FROM (SELECT namespace, metric FROM series
                         ORDER BY namespace, metric LIMIT 1) a
        UNION ALL
        SELECT (SELECT s.namespace FROM series s
                WHERE (s.namespace, s.metric) > (g.namespace, g.metric)
                ORDER BY s.namespace, s.metric LIMIT 1),
               (SELECT s.metric FROM series s
                WHERE (s.namespace, s.metric) > (g.namespace, g.metric)
                ORDER BY s.namespace, s.metric LIMIT 1)
        FROM g WHERE g.namespace IS NOT NULL
    )
    SELECT namespace, metric, hydrant_group(namespace, metric) AS group_id
    FROM g WHERE namespace IS NOT NULL
"""
# Of each minute with points, and the hour in which it is packed, if it is.
_POINT_MINUTES = f"""
    SELECT minute, max(hour) AS hour FROM (
        SELECT minute, NULL AS hour FROM point_batch
        UNION ALL
        SELECT minute, NULL FROM point
        UNION ALL
        SELECT h.minute + o.n, h.minute FROM packed_hour h CROSS JOIN ({MINUTES_OF_AN_HOUR}) o
        WHERE h.point_minutes >> o.n & 1
    ) GROUP BY minute
"""
_PACKED = """
    packed_point c
    LEFT JOIN packed_point t ON t.minute = c.minute AND t.group_id = c.group_id
         AND t.statistic = 'Sum' AND t.first_series = c.first_series
    LEFT JOIN packed_point n ON n.minute = c.minute AND n.group_id = c.group_id
         AND n.statistic = 'Minimum' AND n.first_series = c.first_series
    LEFT JOIN packed_point x ON x.minute = c.minute AND x.group_id = c.group_id
         AND x.statistic = 'Maximum' AND x.first_series = c.first_series
    LEFT JOIN packed_point b ON b.minute = c.minute AND b.group_id = c.group_id
         AND b.statistic = 'Backfilled' AND b.first_series = c.first_series
"""
_PACKED_BLOCK = "c.minute = m.hour AND c.group_id = g.group_id AND c.statistic = 'SampleCount'"
# The aggregate makes what stands of the blocks of one minute and one CloudWatch metric; those that
# deliveries brought have many metrics, so it is told the series.
_STANDING = f"""
    FROM ({_POINT_MINUTES}) m CROSS JOIN ({_GROUPS}) g
    CROSS JOIN json_each((SELECT {{function}}(m.minute, q.source, {{taken}}) FROM (
        SELECT -2 AS source, (SELECT json_group_array(w.series_id) FROM series w
            WHERE w.namespace = g.namespace AND w.metric = g.metric) AS series_id{{nothing}}
        WHERE EXISTS (SELECT 1 FROM point_batch a WHERE a.minute = m.minute)
        UNION ALL
        SELECT a.batch_id, {{payload}} FROM point_batch a WHERE a.minute = m.minute
        UNION ALL
        SELECT 0, {{payload}} FROM point a WHERE a.minute = m.minute AND a.group_id = g.group_id
        UNION ALL
        {{packed}}
    ) q)) j
    CROSS JOIN series s ON s.series_id = {_integer(1)}
           AND s.namespace = g.namespace AND s.metric = g.metric
"""
_ROW = (
    "m.minute AS minute, s.series_id AS series_id, s.account AS account, s.region AS region,"
    " g.namespace AS namespace, g.metric AS metric, s.dimensions AS dimensions, s.unit AS unit,"
    f" {_integer(20)} AS offset_ms"
)


def _standing(function: str, absent: Collection[str], packed: str) -> str:
    nothing = "".join(f", NULL AS {name}" for name in _PAYLOAD[1:])
    payload = ", ".join("NULL" if name in absent else f"a.{name}" for name in _PAYLOAD)
    taken = ", ".join(f"q.{name}" for name in _PAYLOAD)
    return _STANDING.format(
        function=function, nothing=nothing, payload=payload, taken=taken, packed=packed
    )


_PAYLOAD = (
    *("series_id", "offset_ms", "period_ms", "sample_count", "sum", "minimum", "maximum"),
    *("backfilled", "extra_series_id", "extra_offset_ms", "extra_statistic", "extra_value"),
    *("extra_sample_count", "extra_backfilled", "extra_names"),
)
_NUMBERS = (
    f"{_double(77)} AS sample_count, {_double(93)} AS sum, {_double(109)} AS minimum,"
    f" {_double(125)} AS maximum"
)
POINTS = (
    f"SELECT {_ROW}, {_integer(58)} AS period_ms, {_NUMBERS}, {_integer(39)} AS backfilled"
    + _standing(
        "hydrant_point_rows",
        _PAYLOAD[8:],
        "SELECT -1, c.series_id, c.start_ms, c.period_ms, c.value, t.value, n.value, x.value,"
        " b.value, c.row, NULL, NULL, NULL, NULL, NULL, NULL"
        f" FROM {_PACKED} WHERE {_PACKED_BLOCK}",
    )
)
_EXTRA_FIELDS = (
    f"substr(j.value, 90) AS statistic, {_double(58)} AS value, {_double(74)} AS sample_count,"
    f" {_integer(39)} AS backfilled"
)
EXTRAS = f"SELECT {_ROW}, {_EXTRA_FIELDS}" + _standing(
    "hydrant_extra_rows",
    ("period_ms", "sum", "minimum", "maximum"),
    "SELECT -1, c.series_id, c.start_ms, NULL, c.value, NULL, NULL, NULL, b.value, c.row,"
    " e.value, e.statistic, NULL, NULL, NULL, NULL"
    f" FROM {_PACKED} LEFT JOIN packed_point e ON e.minute = c.minute"
    " AND e.group_id = c.group_id AND e.first_series = c.first_series"
    f" AND e.statistic NOT IN ({BASIC}) WHERE {_PACKED_BLOCK}",
)


def tier(suffix: str, minutes: int) -> str:
    """Blocks of a tier lie nowhere else: the same function, block by block."""
    payload = ", ".join(f"p.{name} AS {name}" for name in _PAYLOAD[:8])
    taken = ", ".join(f"q.{name}" for name in _PAYLOAD[:8])
    nothing = ", NULL" * len(_PAYLOAD[8:])
    row = _ROW.replace("m.minute", "p.minute")
    # What is NULL in a block is said by the function to be a minute.
    period = f"CASE WHEN p.period_ms IS NULL THEN {minutes * 60_000} ELSE {_integer(58)} END"
    return f"""
    SELECT {row}, {period} AS period_ms, {_NUMBERS}
    FROM ({_GROUPS}) g CROSS JOIN point{suffix} p ON p.group_id = g.group_id
    CROSS JOIN json_each((SELECT hydrant_point_rows(q.minute, 0, {taken}{nothing})
                          FROM (SELECT p.minute AS minute, {payload}) q)) j
    CROSS JOIN series s ON s.series_id = {_integer(1)}
           AND s.namespace = g.namespace AND s.metric = g.metric
    """
