"""The process of ``hydrant serve``: its socket, its signals, how it uses Python and memory."""

import gc
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from ctypes import CDLL

import structlog
import uvicorn

from app.api import GRACEFUL_SECONDS, GracefulServer, is_loopback
from app.credentials import exposed_files, unknown_files, weaknesses
from app.errors import ConfigurationError
from app.main import build_application
from app.settings import Settings, unknown_variables

# Below 1,024, the files that a process may commonly have open. Further ones are answered 503.
_MOST_CONNECTIONS = 1_000
# Longer than a proxy keeps an idle connection to us (ADR 0020): the side that closes first must be
# the proxy's, or it sends a delivery into a connection that we are just closing.
_KEEP_ALIVE_SECONDS = 200
_MOST_HEADER_BYTES = 256 * 1024
# A delivery passes from thread to thread, and each waits so long while another computes (ADR 0033).
_SWITCH_SECONDS = 0.001
_COLLECTOR_THRESHOLDS = 50_000, 20, 50
_MALLOC_ARENAS = -8  # M_ARENA_MAX of glibc's malloc.h.

_log = structlog.get_logger(__name__)


def serve(settings: Settings, read_settings: Callable[[], Settings]) -> None:
    """Run the server until it is told to stop; in-flight deliveries are finished.

    ``read_settings`` reads the settings again, for keys that change meanwhile.

    Raises ``ConfigurationError`` when the address is taken, ``StorageUnavailable`` when the
    database cannot be used.
    """
    unknown = unknown_variables()
    if unknown:
        _log.warning("these environment variables are no settings", names=", ".join(unknown))
    # Before anything else: beside a server that listens there, another does not get as far as the
    # database.
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
