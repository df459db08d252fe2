"""Views of PostgreSQL, in plain SQL: arrays are unnested, and what stands is told by DISTINCT ON.

Its conditions reach the tables: those on minutes directly, those on metrics through their groups,
which is why the names are in DISTINCT ON as well.
"""

# ruff: noqa: S608 - all of it is made of constants

from migrations.columns.statistics import BASIC


def _steps() -> str:
    """What CRC-32 makes of each byte."""
    found = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0xEDB88320 * (crc & 1))
        found.append(str(crc))
    return ",".join(found)


GROUP_FUNCTION = f"""
    CREATE FUNCTION hydrant_group(namespace text, metric text) RETURNS integer
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
    DECLARE
        steps CONSTANT bigint[] := '{{{_steps()}}}';
        bytes CONSTANT bytea :=
            convert_to(namespace, 'UTF8') || '\\x00' || convert_to(metric, 'UTF8');
        crc bigint := 4294967295;
    BEGIN
        FOR place IN 0 .. length(bytes) - 1 LOOP
            crc := (crc >> 8) # steps[((crc # get_byte(bytes, place)) & 255) + 1];
        END LOOP;
        RETURN (crc # 4294967295) & 2147483647;
    END $$
"""
"""The number of a group: CRC-32 of namespace and metric, without its highest bit."""
# CloudWatch's metrics and their groups, hopping along the index, however many series there are.
_GROUPS = """
    WITH RECURSIVE g(namespace, metric, group_id) AS (
        SELECT a.*, hydrant_group(a.namespace, a.metric)
        FROM (SELECT namespace, metric FROM series ORDER BY namespace, metric LIMIT 1) a
        UNION ALL
        SELECT a.*, hydrant_group(a.namespace, a.metric)
        FROM g CROSS JOIN LATERAL (
            SELECT s.namespace, s.metric FROM series s
            WHERE (s.namespace, s.metric) > (g.namespace, g.metric)
            ORDER BY s.namespace, s.metric LIMIT 1
        ) a
    )
    SELECT * FROM g
"""


def values(suffix: str) -> str:
    fields = """
        u.entity_id, u.label_set_id,
        coalesce(u.value, u.numerator / nullif(u.weight, 0)) AS value,
        nullif(u.numerator, 'NaN') AS numerator, nullif(u.weight, 'NaN') AS weight
    """
    arrays = ["entity_id", "label_set_id", "value", "numerator", "weight"]
    if suffix:
        arrays.append("minutes")
        fields += ", u.minutes"
    stored = f"""
    SELECT v.minute, m.metric_id, m.name AS metric, {fields}
    FROM metric m JOIN metric_value{suffix} v ON v.metric_id = m.metric_id
    CROSS JOIN LATERAL unnest({", ".join(f"v.{name}" for name in arrays)})
               AS u({", ".join(arrays)})
    """
    if suffix:
        return stored
    return f"""
    {stored} UNION ALL
    SELECT h.minute + o.n, m.metric_id, m.name, {fields}
    FROM packed_hour h CROSS JOIN generate_series(0, 59) AS o(n)
    CROSS JOIN metric m
    JOIN packed_value p ON p.minute = h.minute AND p.metric_id = m.metric_id
    CROSS JOIN LATERAL (
        SELECT k.entity_id, k.label_set_id,
               d.value[(k.n - 1) * 60 + o.n + 1] AS value,
               d.numerator[(k.n - 1) * 60 + o.n + 1] AS numerator,
               d.weight[(k.n - 1) * 60 + o.n + 1] AS weight
        FROM (SELECT p.value || '{{}}'::float8[] AS value, p.weight || '{{}}'::float8[] AS weight,
                     p.numerator || '{{}}'::float8[] AS numerator OFFSET 0) d,
             unnest(p.entity_id, p.label_set_id) WITH ORDINALITY AS k(entity_id, label_set_id, n)
        WHERE p.row IS NULL
        UNION ALL
        SELECT d.entity_id[i.row + 1], d.label_set_id[i.row + 1], i.value, i.numerator, i.weight
        FROM (SELECT p.entity_id || '{{}}'::int[] AS entity_id,
                     p.label_set_id || '{{}}'::int[] AS label_set_id OFFSET 0) d,
             unnest(p.row, p.minute_of_hour, p.value, p.numerator, p.weight)
                 AS i(row, minute_of_hour, value, numerator, weight)
        WHERE p.row IS NOT NULL AND i.minute_of_hour = o.n
    ) u
    WHERE h.value_minutes >> o.n & 1 = 1 AND coalesce(u.value, u.numerator) <> 'NaN'
      AND NOT EXISTS (SELECT 1 FROM metric_value v
                      WHERE v.minute = h.minute + o.n AND v.metric_id = m.metric_id)
    """


# A point is unique by the first three; a condition on any of them is met before the sorting.
_KEY = "minute, series_id, offset_ms, account, region, namespace, metric, dimensions, unit"
_SERIES = "s.series_id, s.account, s.region, {of}.namespace, {of}.metric, s.dimensions, s.unit"
# Looked up one by one, which OFFSET sees to: joined before an array is unnested, which is what
# estimates of PostgreSQL's lead to, they would have it unnested once for each of them.
_OF_ALL = "CROSS JOIN LATERAL (SELECT * FROM series WHERE series_id = u.series_id OFFSET 0) s"
_OF_GROUP = """CROSS JOIN LATERAL (
        SELECT * FROM series WHERE series_id = u.series_id
           AND namespace = g.namespace AND metric = g.metric OFFSET 0
    ) s"""
_BLOCKS = f"({_GROUPS}) g JOIN point{{suffix}} p ON p.group_id = g.group_id"
_ARRAYS = "series_id, offset_ms, period_ms, sample_count, sum, minimum, maximum, backfilled"
_EXTRA_ARRAYS = (
    "extra_series_id, extra_offset_ms, extra_sample_count, extra_backfilled, extra_statistic,"
    " extra_value"
)


def _unnested(table: str, names: str) -> str:
    given = ", ".join(f"{table}.{name}" for name in names.split(", "))
    return f"CROSS JOIN LATERAL unnest({given}) AS u({names.replace('extra_', '')})"


def _numbers(minutes: int = 1) -> str:
    return (
        f"coalesce(u.offset_ms, 0) AS offset_ms, coalesce(u.period_ms, {minutes * 60_000})"
        " AS period_ms, u.sample_count, u.sum"
    )


def tier(suffix: str, minutes: int) -> str:
    return f"""
    SELECT p.minute, {_SERIES.format(of="g")}, {_numbers(minutes)},
           nullif(u.minimum, 'NaN') AS minimum, nullif(u.maximum, 'NaN') AS maximum
    FROM {_BLOCKS.format(suffix=suffix)} {_unnested("p", _ARRAYS)} {_OF_GROUP}
    """


_PACKED_HOURS = f"""
    packed_hour h CROSS JOIN generate_series(0, 59) AS o(n) CROSS JOIN ({_GROUPS}) g
    JOIN packed_point c ON c.minute = h.minute AND c.group_id = g.group_id
                       AND c.statistic = 'SampleCount'
"""
_SAME_BLOCK = (
    "{0}.minute = c.minute AND {0}.group_id = c.group_id AND {0}.first_series = c.first_series"
)
# Minimum and Maximum are left out where they are the Sum everywhere. An array is read from its
# table once for each minute, and not for each of its elements: hence the empty array added to it.
_PACKED_POINTS = f"""
    {_PACKED_HOURS}
    JOIN packed_point t ON {_SAME_BLOCK.format("t")} AND t.statistic = 'Sum'
    LEFT JOIN packed_point n ON {_SAME_BLOCK.format("n")} AND n.statistic = 'Minimum'
    LEFT JOIN packed_point x ON {_SAME_BLOCK.format("x")} AND x.statistic = 'Maximum'
    LEFT JOIN packed_point b ON {_SAME_BLOCK.format("b")} AND b.statistic = 'Backfilled'
    CROSS JOIN LATERAL (
        SELECT k.series_id, 0 AS offset_ms, CAST(NULL AS bigint) AS period_ms,
               d.sample_count[(k.n - 1) * 60 + o.n + 1] AS sample_count,
               d.sum[(k.n - 1) * 60 + o.n + 1] AS sum,
               d.minimum[(k.n - 1) * 60 + o.n + 1] AS minimum,
               d.maximum[(k.n - 1) * 60 + o.n + 1] AS maximum,
               d.backfilled[(k.n - 1) * 60 + o.n + 1] AS backfilled
        FROM (SELECT c.value || '{{}}'::float8[] AS sample_count,
                     t.value || '{{}}'::float8[] AS sum,
                     coalesce(n.value, t.value) || '{{}}'::float8[] AS minimum,
                     coalesce(x.value, t.value) || '{{}}'::float8[] AS maximum,
                     b.value || '{{}}'::float8[] AS backfilled OFFSET 0) d,
             unnest(c.series_id) WITH ORDINALITY AS k(series_id, n)
        WHERE c.row IS NULL
        UNION ALL
        SELECT d.series_id[i.row + 1], i.start_ms % 60000, i.period_ms,
               i.sample_count, i.sum, i.minimum, i.maximum, i.backfilled
        FROM (SELECT c.series_id || '{{}}'::int[] AS series_id OFFSET 0) d,
             unnest(c.row, c.start_ms, c.period_ms, c.value, t.value, coalesce(n.value, t.value),
                    coalesce(x.value, t.value), b.value)
                 AS i(row, start_ms, period_ms, sample_count, sum, minimum, maximum, backfilled)
        WHERE c.row IS NOT NULL AND i.start_ms / 60000 = o.n
    ) u {_OF_GROUP}
    WHERE h.point_minutes >> o.n & 1 = 1 AND u.sample_count <> 'NaN'
"""
_ALL_POINTS = f"""
    SELECT a.minute, {_SERIES.format(of="s")}, {_numbers()}, u.minimum, u.maximum,
           coalesce(u.backfilled, 0) AS backfilled, a.batch_id AS source
    FROM point_batch a {_unnested("a", _ARRAYS)} {_OF_ALL}
    UNION ALL
    SELECT p.minute, {_SERIES.format(of="g")}, {_numbers()}, u.minimum, u.maximum,
           coalesce(u.backfilled, 0), 0
    FROM {_BLOCKS.format(suffix="")} {_unnested("p", _ARRAYS)} {_OF_GROUP}
    UNION ALL
    SELECT h.minute + o.n, {_SERIES.format(of="g")}, {_numbers()}, u.minimum, u.maximum,
           CASE WHEN u.backfilled = 1 THEN 1 ELSE 0 END, -1
    FROM {_PACKED_POINTS}
"""
POINTS = f"""
    SELECT DISTINCT ON ({_KEY}) {_KEY}, period_ms, sample_count, sum,
           nullif(minimum, 'NaN') AS minimum, nullif(maximum, 'NaN') AS maximum, backfilled
    FROM ({_ALL_POINTS}) q
    ORDER BY {_KEY}, backfilled, sample_count DESC, source DESC
"""
_PACKED_EXTRAS = f"""
    {_PACKED_HOURS}
    JOIN packed_point e ON {_SAME_BLOCK.format("e")} AND e.statistic NOT IN ({BASIC})
    LEFT JOIN packed_point b ON {_SAME_BLOCK.format("b")} AND b.statistic = 'Backfilled'
    CROSS JOIN LATERAL (
        SELECT k.series_id, 0 AS offset_ms,
               d.sample_count[(k.n - 1) * 60 + o.n + 1] AS sample_count,
               d.value[(k.n - 1) * 60 + o.n + 1] AS value,
               d.backfilled[(k.n - 1) * 60 + o.n + 1] AS backfilled
        FROM (SELECT c.value || '{{}}'::float8[] AS sample_count,
                     e.value || '{{}}'::float8[] AS value,
                     b.value || '{{}}'::float8[] AS backfilled OFFSET 0) d,
             unnest(c.series_id) WITH ORDINALITY AS k(series_id, n)
        WHERE c.row IS NULL
        UNION ALL
        SELECT d.series_id[i.row + 1], i.start_ms % 60000, i.sample_count, i.value, i.backfilled
        FROM (SELECT c.series_id || '{{}}'::int[] AS series_id OFFSET 0) d,
             unnest(c.row, c.start_ms, c.value, e.value, b.value)
                 AS i(row, start_ms, sample_count, value, backfilled)
        WHERE c.row IS NOT NULL AND i.start_ms / 60000 = o.n
    ) u {_OF_GROUP}
    WHERE h.point_minutes >> o.n & 1 = 1 AND u.value <> 'NaN'
"""
# An extra statistic stands against others of its name as points do, and counts if the point that
# stands is the one that carried it.
EXTRAS = f"""
    SELECT {_KEY}, statistic, value, sample_count, backfilled FROM (
        SELECT *, first_value(sample_count) OVER stands AS standing_count,
               first_value(backfilled) OVER stands AS standing_backfilled,
               row_number() OVER (PARTITION BY {_KEY}, statistic
                                  ORDER BY backfilled, sample_count DESC, source DESC) AS place
        FROM (
            SELECT {_KEY}, sample_count, backfilled, source, CAST(NULL AS text) AS statistic,
                   CAST(NULL AS float8) AS value
            FROM ({_ALL_POINTS}) q
            UNION ALL
            SELECT a.minute, u.series_id, coalesce(u.offset_ms, 0), s.account, s.region,
                   s.namespace, s.metric, s.dimensions, s.unit, u.sample_count,
                   coalesce(u.backfilled, 0), a.batch_id,
                   CAST(a.extra_names AS json) ->> u.statistic, u.value
            FROM point_batch a {_unnested("a", _EXTRA_ARRAYS)}
            {_OF_ALL}
            UNION ALL
            SELECT p.minute, u.series_id, coalesce(u.offset_ms, 0), s.account, s.region,
                   g.namespace, g.metric, s.dimensions, s.unit, u.sample_count,
                   coalesce(u.backfilled, 0), 0,
                   CAST(p.extra_names AS json) ->> u.statistic, u.value
            FROM {_BLOCKS.format(suffix="")} {_unnested("p", _EXTRA_ARRAYS)} {_OF_GROUP}
            UNION ALL
            SELECT h.minute + o.n, u.series_id, u.offset_ms, s.account, s.region, g.namespace,
                   g.metric, s.dimensions, s.unit, u.sample_count,
                   CASE WHEN u.backfilled = 1 THEN 1 ELSE 0 END, -1,
                   regexp_replace(e.statistic, '^=', ''), u.value
            FROM {_PACKED_EXTRAS}
        ) r
        WINDOW stands AS (PARTITION BY {_KEY} ORDER BY
            statistic IS NOT NULL, backfilled, sample_count DESC, source DESC)
    ) t
    WHERE statistic IS NOT NULL AND place = 1
      AND sample_count = standing_count AND backfilled = standing_backfilled
"""
