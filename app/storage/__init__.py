"""The only place with SQL: tables, the writer, readers, for SQLite and PostgreSQL."""

from app.storage.alarm_history import (
    read_alarm_events,
    read_alarm_frontier,
    read_alarm_rules,
    read_alarm_states,
    read_entity_states,
    read_incident,
    read_incidents,
    read_incidents_of,
    read_transitions,
)
from app.storage.alarm_marks import (
    AlarmProgress,
    delete_alarm_marks,
    mark_for_alarms,
    read_alarm_marks,
    read_alarm_progress,
    write_alarm_progress,
)
from app.storage.alarm_rows import (
    AlarmEvent,
    AlarmRuleRow,
    AlarmStateRow,
    Datapoints,
    IncidentRow,
    TransitionRow,
    labels_of,
    labels_text,
)
from app.storage.alarm_writing import (
    NewEvent,
    NewTransition,
    add_alarm_events,
    add_incident,
    add_transitions,
    delete_alarm_rules,
    delete_alarm_states,
    forget_alarms,
    update_incident,
    withdraw_transitions,
    write_alarm_rules,
    write_alarm_states,
)
from app.storage.announcements import announce, read_raised
from app.storage.array_codec import choose_codec
from app.storage.backfilled import Backfilled, write_backfilled
from app.storage.buckets import metrics_of_bucket
from app.storage.columns import last_of_key
from app.storage.deliveries import (
    Delivery,
    delivery_digest,
    forget_deliveries,
    without_expired,
    write_delivery,
)
from app.storage.dirty import (
    are_marks_left,
    count_marks,
    is_marked,
    mark_dirty,
    read_marks,
    read_marks_of,
)
from app.storage.entities import (
    entity_order,
    metric_ids,
    read_label_sets,
    read_properties,
    register_entities,
    register_label_sets,
    register_metrics,
    search_entities,
)
from app.storage.evaluations import EncodedIds, write_minute, write_values
from app.storage.extra_statistics import (
    newest_minutes_with_extras,
    read_extra_statistics,
    statistics_of_minutes,
)
from app.storage.faults import is_of_database
from app.storage.finished_hours import HourMarks, finish_hour, read_hour_marks
from app.storage.interruption import Deadline
from app.storage.inventory import (
    SeriesSort,
    read_entities_after,
    read_label_sets_after,
    read_series_of_metric,
    read_series_sorts,
)
from app.storage.job_queue import Job
from app.storage.leases import (
    LeaseRow,
    Term,
    fenced,
    give_up_lease,
    read_lease,
    renew_lease,
    take_lease,
)
from app.storage.lookback import (
    newest_minute,
    newest_minute_of_metric,
    newest_minute_of_series,
)
from app.storage.minute_lock import lock_minute
from app.storage.minutes import RangeMinutes, check_limit
from app.storage.occurrence import (
    Place,
    Places,
    metrics_at,
    places_of_points,
    places_of_values,
    series_at,
    series_of_longer_periods,
    values_at,
)
from app.storage.outbox import (
    NotificationRow,
    NotificationState,
    read_notifications,
    read_notified_incidents,
)
from app.storage.packed_hours import read_packed_hours
from app.storage.packed_sources import SourceIndex
from app.storage.packed_values import ValueMatrix
from app.storage.packing import Packed
from app.storage.partitions import Outcome, Partitions
from app.storage.point_batches import read_batch_ids, read_batches
from app.storage.point_counts import count_points, hours_with_points
from app.storage.point_grids import PointGrid, read_point_grids
from app.storage.point_merging import forget_merged, merge_points, minutes_to_merge
from app.storage.point_minutes import minutes_with_points, newest_minutes
from app.storage.point_tiers import PointPart, point_parts, roll_up_points
from app.storage.points import PointRange, read_points
from app.storage.presence import series_of_minutes
from app.storage.quarantine import (
    QuarantinedBytes,
    count_quarantine,
    read_arrivals,
    read_quarantine,
)
from app.storage.recomputed import add_recomputed, count_recomputed
from app.storage.released import Released, release_quarantined
from app.storage.replays import (
    ReplayedObject,
    advance_replayed,
    finish_replayed,
    object_digest,
    read_replayed,
    restart_replayed,
    short_name,
)
from app.storage.retention import (
    delete_before,
    expire,
    forget_quarantine,
    keep_from_now,
    tables_of,
)
from app.storage.rollup_marks import delete_rollup_marks, read_rollup_marks
from app.storage.series import (
    SeriesFilter,
    list_metrics,
    read_identities,
    search_series,
    series_order,
    units_of_metrics,
)
from app.storage.silences import (
    AcknowledgementRow,
    SilenceMatcher,
    SilenceRow,
    acknowledge,
    create_silence,
    expire_silence,
    read_acknowledgements,
    read_silence,
    read_silences,
    unacknowledge,
)
from app.storage.sql_functions import add_sql_functions
from app.storage.sql_queries import SqlResult, run_sql
from app.storage.standing_points import read_base, read_minute_points
from app.storage.store import Connection, Store
from app.storage.stored_points import StoredExtras, StoredPoints, minute_points
from app.storage.streams import (
    add_to_streams,
    forget_streams,
    read_refused,
    read_streams,
)
from app.storage.tiers import POINTS, ROLLED_UP, VALUES, Tier, marked_buckets, read_kept
from app.storage.value_buckets import ROWS_AT_ONCE, read_value_matrix, value_parts
from app.storage.value_grids import ValueGrid, read_value_grid
from app.storage.value_packing import pack_values
from app.storage.value_ranges import ValueRange, read_values
from app.storage.value_tiers import RolledUpValues, store_rolled_up
from app.storage.values import MetricColumns, ValueColumns, value_columns

__all__ = [
    "POINTS",
    "ROLLED_UP",
    "ROWS_AT_ONCE",
    "VALUES",
    "AcknowledgementRow",
    "AlarmEvent",
    "AlarmProgress",
    "AlarmRuleRow",
    "AlarmStateRow",
    "Backfilled",
    "Connection",
    "Datapoints",
    "Deadline",
    "Delivery",
    "EncodedIds",
    "HourMarks",
    "IncidentRow",
    "Job",
    "LeaseRow",
    "MetricColumns",
    "NewEvent",
    "NewTransition",
    "NotificationRow",
    "NotificationState",
    "Outcome",
    "Packed",
    "Partitions",
    "Place",
    "Places",
    "PointGrid",
    "PointPart",
    "PointRange",
    "QuarantinedBytes",
    "RangeMinutes",
    "Released",
    "ReplayedObject",
    "RolledUpValues",
    "SeriesFilter",
    "SeriesSort",
    "SilenceMatcher",
    "SilenceRow",
    "SourceIndex",
    "SqlResult",
    "Store",
    "StoredExtras",
    "StoredPoints",
    "Term",
    "Tier",
    "TransitionRow",
    "ValueColumns",
    "ValueGrid",
    "ValueMatrix",
    "ValueRange",
    "acknowledge",
    "add_alarm_events",
    "add_incident",
    "add_recomputed",
    "add_sql_functions",
    "add_to_streams",
    "add_transitions",
    "advance_replayed",
    "announce",
    "are_marks_left",
    "check_limit",
    "choose_codec",
    "count_marks",
    "count_points",
    "count_quarantine",
    "count_recomputed",
    "create_silence",
    "delete_alarm_marks",
    "delete_alarm_rules",
    "delete_alarm_states",
    "delete_before",
    "delete_rollup_marks",
    "delivery_digest",
    "entity_order",
    "expire",
    "expire_silence",
    "fenced",
    "finish_hour",
    "finish_replayed",
    "forget_alarms",
    "forget_deliveries",
    "forget_merged",
    "forget_quarantine",
    "forget_streams",
    "give_up_lease",
    "hours_with_points",
    "is_marked",
    "is_of_database",
    "keep_from_now",
    "labels_of",
    "labels_text",
    "last_of_key",
    "list_metrics",
    "lock_minute",
    "mark_dirty",
    "mark_for_alarms",
    "marked_buckets",
    "merge_points",
    "metric_ids",
    "metrics_at",
    "metrics_of_bucket",
    "minute_points",
    "minutes_to_merge",
    "minutes_with_points",
    "newest_minute",
    "newest_minute_of_metric",
    "newest_minute_of_series",
    "newest_minutes",
    "newest_minutes_with_extras",
    "object_digest",
    "pack_values",
    "places_of_points",
    "places_of_values",
    "point_parts",
    "read_acknowledgements",
    "read_alarm_events",
    "read_alarm_frontier",
    "read_alarm_marks",
    "read_alarm_progress",
    "read_alarm_rules",
    "read_alarm_states",
    "read_arrivals",
    "read_base",
    "read_batch_ids",
    "read_batches",
    "read_entities_after",
    "read_entity_states",
    "read_extra_statistics",
    "read_hour_marks",
    "read_identities",
    "read_incident",
    "read_incidents",
    "read_incidents_of",
    "read_kept",
    "read_label_sets",
    "read_label_sets_after",
    "read_lease",
    "read_marks",
    "read_marks_of",
    "read_minute_points",
    "read_notifications",
    "read_notified_incidents",
    "read_packed_hours",
    "read_point_grids",
    "read_points",
    "read_properties",
    "read_quarantine",
    "read_raised",
    "read_refused",
    "read_replayed",
    "read_rollup_marks",
    "read_series_of_metric",
    "read_series_sorts",
    "read_silence",
    "read_silences",
    "read_streams",
    "read_transitions",
    "read_value_grid",
    "read_value_matrix",
    "read_values",
    "register_entities",
    "register_label_sets",
    "register_metrics",
    "release_quarantined",
    "renew_lease",
    "restart_replayed",
    "roll_up_points",
    "run_sql",
    "search_entities",
    "search_series",
    "series_at",
    "series_of_longer_periods",
    "series_of_minutes",
    "series_order",
    "short_name",
    "statistics_of_minutes",
    "store_rolled_up",
    "tables_of",
    "take_lease",
    "unacknowledge",
    "units_of_metrics",
    "update_incident",
    "value_columns",
    "value_parts",
    "values_at",
    "withdraw_transitions",
    "without_expired",
    "write_alarm_progress",
    "write_alarm_rules",
    "write_alarm_states",
    "write_backfilled",
    "write_delivery",
    "write_minute",
    "write_values",
]
