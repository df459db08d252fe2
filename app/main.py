"""Composition: settings to store, rules, pipeline and routes; the only place that knows all."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog
from anyio import to_thread
from fastapi import FastAPI

from app.alarms import AlarmBook, load_alarm_rules
from app.alarms.alarming import Alarms
from app.alarms.notifications import ChannelBook
from app.api import (
    ApiContext,
    Stopping,
    create_application,
)
from app.catalog import SeriesRegistry, load_statistic_catalog
from app.clock import MILLISECONDS_PER_MINUTE, Clock, SystemClock
from app.credentials import AccessKeys
from app.dashboards import DashboardBook
from app.dynamodb.prices import load_prices
from app.errors import ConfigurationError, StorageUnavailable
from app.otlp import Decoder
from app.otlp.decoder import DECODER, chosen
from app.pipeline import (
    Evaluator,
    Holder,
    Ingest,
    KeyWatcher,
    Lease,
    Maintenance,
    Retention,
    Rollups,
    RuleWatcher,
    StreamStatistics,
)
from app.promql.limits import Limits as QueryLimits
from app.query.prometheus import PrometheusData
from app.rules import RuleBook, RuleDirectory, load_rule_directory
from app.settings import Settings
from app.storage import Store, Tier, choose_codec
from app.streams import Limits
from app.web import add_web

_DATABASE_POLL_SECONDS = 1.0

_log = structlog.get_logger(__name__)


def build_application(
    settings: Settings,
    clock: Clock | None = None,
    read_settings: Callable[[], Settings] | None = None,
) -> FastAPI:
    """The application under these settings; its lifespan starts and stops all threads.

    ``read_settings`` reads them again, for keys that change while serving. The schema is brought up
    here. Raises ``ConfigurationError``, ``RuleError`` and
    ``StorageUnavailable`` before anything is started.
    """
    _check_access(settings)
    # Read again whenever it is asked for: here only whether it can be.
    load_prices(settings.price_file)
    clock = clock or SystemClock()
    rules = RuleBook(load_rule_directory(settings.rules), load_statistic_catalog(), clock)
    if not rules.current().definitions:
        _log.warning("there are no rules: points are kept, metrics are not", rules=settings.rules)
    alarm_book = AlarmBook(load_alarm_rules(settings.alarm_rules))
    channels = ChannelBook.of(settings, clock)
    dashboards = DashboardBook.of(settings.dashboards, clock)
    store = _open_store(settings, clock)
    decoder = chosen(Decoder(settings.decoder))
    DECODER.clear()
    DECODER.labels(decoder.value).set(1)
    codec = choose_codec(reference=decoder is Decoder.REFERENCE)
    registry = SeriesRegistry(decoder=decoder)
    store.on_new_database(registry.forget)
    store.on_new_database(rules.renew)
    lease = Lease(
        store,
        clock,
        Holder.this_process(),
        seconds=settings.lease_seconds,
    )
    evaluator = Evaluator(store, registry, rules.current, clock, lease)
    watcher = RuleWatcher(
        RuleDirectory(settings.rules),
        rules,
        store,
        clock,
        poll_seconds=settings.rules_poll_seconds,
        on_change=evaluator.wake,
    )
    rollups = Rollups(
        store,
        lambda: rules.current().definitions,
        clock,
        lease,
        settling_seconds=_settling_seconds(settings),
    )
    alarms = Alarms(
        settings,
        alarm_book,
        channels,
        store=store,
        # Apart from that of queries: it looks at minutes before all of their names have come.
        prometheus=PrometheusData(store, lambda: rules.current().definitions),
        lease=lease,
        clock=clock,
    )
    maintenance = Maintenance(store, clock, lease, _retention(settings))
    access_keys, read_tokens = AccessKeys(settings.access_keys), AccessKeys(settings.read_tokens)
    operator_tokens = AccessKeys(settings.operator_tokens)
    key_watcher = KeyWatcher(
        settings, read_settings or (lambda: settings), access_keys, read_tokens, operator_tokens
    )
    streams = StreamStatistics(store, clock, _stream_limits(settings))
    stopping = Stopping()
    context = ApiContext(
        store=store,
        ingest=Ingest(
            store, registry, clock, on_commit=evaluator.wake, on_received=streams.received
        ),
        streams=streams,
        rules=rules,
        access_keys=access_keys,
        read_tokens=read_tokens,
        operator_tokens=operator_tokens,
        alarm_rules=alarms.rules,
        alarm_faults=alarms.faults,
        clock=clock,
        query_max_points=settings.query_max_points,
        prometheus=PrometheusData(store, lambda: rules.current().definitions),
        query_limits=_query_limits(settings),
        concurrent_queries=settings.concurrent_queries,
        concurrent_deliveries=settings.concurrent_deliveries,
        body_memory_bytes=settings.body_memory_mib * 1024 * 1024,
        dashboards=dashboards,
        delivery_seconds=settings.delivery_seconds,
        price_file=settings.price_file,
        stopping=stopping,
        session_hours=settings.session_hours,
        external_url=settings.external_url,
    )

    def start() -> None:
        lease.start()
        evaluator.start()
        rollups.start()
        maintenance.start()
        streams.start()
        alarms.start()
        watcher.start()
        key_watcher.start()
        _log.info(
            "ready",
            database=store.description,
            rules=len(rules.current().definitions),
            alarms=len(alarm_book.current.rules),
            decoder=decoder.value,
            codec=codec,
        )

    def stop() -> None:
        key_watcher.stop()
        watcher.stop()
        alarms.stop()
        maintenance.stop()
        streams.stop()
        rollups.stop()
        evaluator.stop()
        lease.stop()
        store.close()
        _log.info("stopped")

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await to_thread.run_sync(start)
        try:
            yield
        finally:
            await to_thread.run_sync(stop)

    def end_readers() -> None:
        stopping.set()
        store.end_reads()

    application = create_application(context, lifespan)
    add_web(application, context)
    application.state.end_readers = end_readers
    return application


def _settling_seconds(settings: Settings) -> dict[Tier, int]:
    return {
        Tier.FIVE_MINUTES: settings.five_minute_settling_seconds,
        Tier.HOUR: settings.hour_settling_seconds,
    }


def _stream_limits(settings: Settings) -> Limits:
    return Limits(
        silence_ms=settings.stream_silence_minutes * MILLISECONDS_PER_MINUTE,
        lag_ms=settings.stream_lag_minutes * MILLISECONDS_PER_MINUTE,
        rejected_percent=settings.stream_rejected_percent,
    )


def _query_limits(settings: Settings) -> QueryLimits:
    return QueryLimits(
        max_samples=settings.query_max_samples,
        max_series=settings.query_max_series,
        timeout_seconds=settings.query_timeout_seconds,
        lookback_ms=settings.query_lookback_seconds * 1000,
    )


def _retention(settings: Settings) -> Retention:
    return Retention(
        delivery_hours=settings.delivery_retention_hours,
        quarantine_days=settings.quarantine_retention_days,
        tier_days={
            Tier.MINUTE: settings.minute_retention_days,
            Tier.FIVE_MINUTES: settings.five_minute_retention_days,
            Tier.HOUR: settings.hour_retention_days,
        },
    )


def _open_store(settings: Settings, clock: Clock) -> Store:
    """The database with this release's schema; a PostgreSQL that is not there yet is waited for.

    Raises ``StorageUnavailable`` when the wait is over.
    """
    store = Store(
        settings.database,
        readers=settings.reader_connections,
        queue_size=settings.writer_queue,
        clock=clock,
    )
    prepare = store.migrate if settings.migrate_on_start else store.check
    deadline = clock.monotonic() + settings.database_wait_seconds
    waiting = False
    try:
        while True:
            try:
                prepare()
            except StorageUnavailable as error:
                left = deadline - clock.monotonic()
                # SQLite's file does not come by itself, nor does a schema.
                if left <= 0 or not store.is_remote or error.reason == "schema":
                    raise
                if not waiting:
                    _log.warning(
                        "waiting for the database",
                        reason=error.message,
                        remedy=error.remedy or "see reason",
                        seconds=settings.database_wait_seconds,
                    )
                    waiting = True
                clock.sleep(min(_DATABASE_POLL_SECONDS, left))
            else:
                break
    except BaseException:
        store.close()
        raise
    return store


def _check_access(settings: Settings) -> None:
    if settings.access_keys:
        return
    if not settings.allow_anonymous:
        raise ConfigurationError(
            "no access key is set: set HYDRANT_ACCESS_KEYS to the key of the Firehose destination,"
            " or HYDRANT_ALLOW_ANONYMOUS=true to take deliveries from anyone"
        )
    _log.warning("deliveries are taken from anyone: no access key is set")
