"""Composition: settings to store, rules, pipeline and routes; the only place that knows all."""

import gc
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from ctypes import CDLL

import structlog
import uvicorn
from anyio import to_thread
from fastapi import FastAPI

from app.alarms import AlarmBook, load_alarm_rules
from app.alarms.alarming import Alarms
from app.alarms.notifications import ChannelBook
from app.api import (
    GRACEFUL_SECONDS,
    ApiContext,
    GracefulServer,
    Stopping,
    create_application,
    is_loopback,
)
from app.catalog import SeriesRegistry, load_statistic_catalog
from app.clock import MILLISECONDS_PER_MINUTE, Clock, SystemClock
from app.credentials import AccessKeys, exposed_files, unknown_files, weaknesses
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
from app.settings import Settings, unknown_variables
from app.storage import Store, Tier, choose_codec
from app.streams import Limits

# Below 1,024, the files that a process may commonly have open. Further ones are answered 503.
_MOST_CONNECTIONS = 1_000
# Longer than a proxy keeps an idle connection to us (ADR 0020): the side that closes first must be
# the proxy's, or it sends a delivery into a connection that we are just closing.
_KEEP_ALIVE_SECONDS = 200
_MOST_HEADER_BYTES = 256 * 1024
_DATABASE_POLL_SECONDS = 1.0
# A delivery passes from thread to thread, and each waits so long while another computes (ADR 0033).
_SWITCH_SECONDS = 0.001
_COLLECTOR_THRESHOLDS = 50_000, 20, 50
_MALLOC_ARENAS = -8  # M_ARENA_MAX of glibc's malloc.h.

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
        clock=clock,
        query_max_points=settings.query_max_points,
        prometheus=PrometheusData(store, lambda: rules.current().definitions),
        query_limits=_query_limits(settings),
        concurrent_queries=settings.concurrent_queries,
        concurrent_deliveries=settings.concurrent_deliveries,
        body_memory_bytes=settings.body_memory_mib * 1024 * 1024,
        delivery_seconds=settings.delivery_seconds,
        price_file=settings.price_file,
        stopping=stopping,
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


def serve(settings: Settings, read_settings: Callable[[], Settings]) -> None:
    """Run the server until it is told to stop; in-flight deliveries are finished.

    ``read_settings`` reads the settings again, for keys that change meanwhile.

    Raises ``ConfigurationError`` when the address is taken, ``StorageUnavailable`` when the
    database cannot be used.
    """
    unknown = unknown_variables()
    if unknown:
        _log.warning("these environment variables are no settings", names=", ".join(unknown))
    # Before anything else: a second server on the address must not get as far as the database.
    listener = _bind(settings.host, settings.port)
    _check_readers(settings, listener.getsockname()[0])
    application = build_application(settings, read_settings=read_settings)
    _warn_of_credentials(settings)
    config = uvicorn.Config(
        application,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        # With h11 instead of httptools, headers of 70 KiB would not pass by default.
        h11_max_incomplete_event_size=_MOST_HEADER_BYTES,
        limit_concurrency=_MOST_CONNECTIONS,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACEFUL_SECONDS,
    )
    sys.setswitchinterval(_SWITCH_SECONDS)
    _spare_the_collector()
    _share_the_heap()
    _log.info("starting", url=f"http://{settings.host}:{settings.port}")
    server = GracefulServer(config, application.state.end_readers)
    # When it has stopped, uvicorn raises the signal again for the handlers that were there before.
    # With the default ones a stop that was asked for would look like a failure.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, server.handle_exit)
    server.run(sockets=[listener])


def _spare_the_collector() -> None:
    """Let Python look for cycles of objects less often, and never among what starting has made.

    Reference counts free nearly everything here. But series that are new make objects by the
    hundred thousand that live for a while, and with the thresholds of Python every 700 of them
    start a search, each hundredth of which goes through all objects that there are. Cycles are
    still found: those of exceptions and requests wait for 50,000 objects, some ten megabytes.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTOR_THRESHOLDS)


def _share_the_heap() -> None:
    """Let all threads allocate from two heaps instead of one each.

    glibc gives nearly every thread a heap of its own, and what one has freed no other can use.
    Where there is another C library, there is nothing to set.
    """
    with suppress(AttributeError, OSError):
        CDLL(None).mallopt(_MALLOC_ARENAS, 2)


def _bind(host: str, port: int) -> socket.socket:
    """A socket bound to the address. Raises ``ConfigurationError``."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise ConfigurationError(
            f"{host}:{port} cannot be used: {error.strerror}; stop what is listening there,"
            " or set HYDRANT_HOST and HYDRANT_PORT"
        ) from error
    return listener


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


def _warn_of_credentials(settings: Settings) -> None:
    for weakness in weaknesses(
        settings.access_keys, settings.read_tokens, settings.operator_tokens
    ):
        _log.warning(weakness)
    if settings.secrets_directory is None:
        return
    unknown = unknown_files(settings.secrets_directory, Settings.model_fields)
    if unknown:
        _log.warning("these files of secrets are no settings", names=", ".join(unknown))
    exposed = exposed_files(settings.secrets_directory)
    if exposed:
        _log.warning("every user of this machine can use these secrets", names=", ".join(exposed))


def _check_readers(settings: Settings, address: str) -> None:
    """Refuse to answer everyone on a network unasked; ``address`` is the one that is bound."""
    if settings.read_tokens or is_loopback(address):
        return
    if not settings.allow_anonymous_reads:
        raise ConfigurationError(
            f"{settings.host} can be reached from other machines, and everyone there could read"
            " all data: set HYDRANT_READ_TOKENS, bind to 127.0.0.1, or set"
            " HYDRANT_ALLOW_ANONYMOUS_READS=true where a proxy decides who may read"
        )
    _log.warning("anyone may read: no read token is set", host=settings.host)
