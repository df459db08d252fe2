"""The rules in force while the server runs, and what became of every file of them."""

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from hashlib import blake2b

import structlog

from app.catalog import StatisticCatalog
from app.catalog.identity import DIGEST_BYTES
from app.clock import Clock
from app.errors import RuleError
from app.rules.engine import RuleEngine
from app.rules.files import RuleFile, parse_rule_file
from app.telemetry import counter, gauge

RULE_FILES = gauge("rule_files", "Rule files by whether their newest content is in force", "state")
RELOADS = counter("rule_reloads_total", "Changes of rule files while serving, by result", "result")

RuleContents = Mapping[str, str | RuleError]
"""Texts of files by name, in the order in which their rules count; or why one cannot be read."""

_log = structlog.get_logger(__name__)


class FileState(StrEnum):
    """Whether a file's newest content is in force."""

    ACTIVE = "active"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class FileVersion:
    """Content that is in force. ``digest`` is BLAKE2b of its text, ``loaded_ms`` since when."""

    file: RuleFile
    digest: str
    loaded_ms: int


@dataclass(frozen=True, slots=True)
class FileStatus:
    """A file, what is in force of it, and why its newest content is not.

    ``version`` is older than the file on disk when there is an ``error``, and None when no content
    of the file has ever been in force.
    """

    path: str
    version: FileVersion | None
    error: RuleError | None

    @property
    def state(self) -> FileState:
        """Broken when there is an error."""
        return FileState.BROKEN if self.error else FileState.ACTIVE


@dataclass(frozen=True, slots=True)
class _Page:
    """All that the book says, exchanged as a whole."""

    engine: RuleEngine
    versions: Mapping[str, FileVersion]
    files: tuple[FileStatus, ...]


class RuleBook:
    """Holds the engine that is to be used next. Thread-safe.

    New contents are validated whole before anything is exchanged. A file that is broken keeps its
    last good version; files that are good but contradict each other leave everything as it was.
    """

    def __init__(self, files: Iterable[RuleFile], catalog: StatisticCatalog, clock: Clock) -> None:
        """Raises ``RuleError`` for rules that cannot be compiled together."""
        self._catalog = catalog
        self._clock = clock
        self._lock = threading.Lock()
        self._told: dict[str, tuple[str, str]] = {}
        versions = {file.path: self._version(file) for file in files}
        engine = RuleEngine([version.file for version in versions.values()], catalog)
        self._page = _page(engine, versions, {})

    def current(self) -> RuleEngine:
        """The engine whose rules are in force; the same one until they change."""
        return self._page.engine

    def renew(self) -> None:
        """Exchange the engine for one of the same rules that has seen no series yet.

        Series ids are those of one database; to be called when it may have become another.
        """
        with self._lock:
            page = self._page
            self._page = replace(page, engine=self._compiled(page.versions))

    @property
    def files(self) -> tuple[FileStatus, ...]:
        """Every file, also those of which nothing is in force."""
        return self._page.files

    def update(self, contents: RuleContents) -> bool:
        """Put ``contents`` in force as far as they are good; returns whether rules have changed.

        What is not good is logged, once for each content.
        """
        with self._lock:
            page = self._page
            versions, errors = self._read(contents)
            engine = page.engine
            if list(versions.items()) != list(page.versions.items()):
                try:
                    engine = self._compiled(versions)
                except RuleError as error:
                    errors |= dict.fromkeys(_differing(versions, page.versions), error)
                    versions = dict(page.versions)
            self._page = _page(engine, versions, errors)
            self._report(contents, errors, replaced=engine is not page.engine)
            return engine is not page.engine

    def _read(self, contents: RuleContents) -> tuple[dict[str, FileVersion], dict[str, RuleError]]:
        """The versions that should be in force, and the faults of files each by itself."""
        versions: dict[str, FileVersion] = {}
        errors: dict[str, RuleError] = {}
        for path, content in contents.items():
            known = self._page.versions.get(path)
            if known is not None:
                versions[path] = known
            if known is not None and known.file.text == content:
                continue
            try:
                versions[path] = self._validated(path, content)
            except RuleError as error:
                errors[path] = error
        return versions, errors

    def _validated(self, path: str, content: str | RuleError) -> FileVersion:
        if isinstance(content, RuleError):
            raise content
        with _faults_of_ours(path):
            file = parse_rule_file(content, path)
            # By itself, to tell a file that is broken from two that contradict each other.
            RuleEngine([file], self._catalog)
        return self._version(file)

    def _version(self, file: RuleFile) -> FileVersion:
        digest = blake2b(file.text.encode(), digest_size=DIGEST_BYTES).hexdigest()
        return FileVersion(file, digest, self._clock.now_ms())

    def _compiled(self, versions: Mapping[str, FileVersion]) -> RuleEngine:
        with _faults_of_ours(""):
            return RuleEngine([version.file for version in versions.values()], self._catalog)

    def _report(
        self, contents: RuleContents, errors: Mapping[str, RuleError], *, replaced: bool
    ) -> None:
        told: dict[str, tuple[str, str]] = {}
        for path, error in errors.items():
            content = contents.get(path)
            told[path] = (content if isinstance(content, str) else "", str(error))
        new = {path: what for path, what in told.items() if self._told.get(path) != what}
        mended = self._told.keys() - told.keys()
        self._told = told
        if mended:
            # One that is good again as it was before changes no rule, and would else say nothing.
            _log.info("rule files no longer refused", files=", ".join(sorted(mended)))
        for reason in dict.fromkeys(reason for _, reason in new.values()):
            files = [path for path, (_, of_path) in new.items() if of_path == reason]
            _log.error("rule files refused", files=", ".join(files), reason=reason)
        if new:
            RELOADS.labels("refused").inc()
        if replaced:
            RELOADS.labels("loaded").inc()
            _log.info(
                "rules changed",
                rules=len(self._page.engine.definitions),
                files=len(self._page.versions),
            )


def _page(
    engine: RuleEngine, versions: Mapping[str, FileVersion], errors: Mapping[str, RuleError]
) -> _Page:
    files = tuple(
        FileStatus(path, versions.get(path), errors.get(path))
        for path in sorted(versions.keys() | errors.keys())
    )
    for state in FileState:
        RULE_FILES.labels(state.value).set(sum(file.state is state for file in files))
    return _Page(engine, versions, files)


def _differing(some: Mapping[str, FileVersion], others: Mapping[str, FileVersion]) -> list[str]:
    return [path for path in {**some, **others} if some.get(path) != others.get(path)]


@contextmanager
def _faults_of_ours(path: str) -> Iterator[None]:
    """A file that our own code fails on is refused like any other, and the log has the cause."""
    try:
        yield
    except RuleError:
        raise
    except Exception as error:
        _log.exception("a rule file met a fault of ours", file=path)
        reason = "it met a fault of Hydrant's own; the log has the cause"
        raise RuleError(reason, file=path) from error
