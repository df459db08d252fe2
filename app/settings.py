"""All settings: ``HYDRANT_*`` variables over secret files over one TOML file over the defaults.

The only settings class. It is built once, by the command line, and handed down; nothing reads the
environment elsewhere. Every field is documented in docs/configuration.md, and a test checks that.
"""

import os
import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from app.credentials import AccessKey, access_keys_from, read_secret_files, tokens_from
from app.errors import ConfigurationError

DEFAULT_RULES = Path(__file__).resolve().parent.parent / "mal_rules"
DEFAULT_ALARM_RULES = DEFAULT_RULES.with_name("alarm_rules")
DEFAULT_DASHBOARDS = DEFAULT_RULES.with_name("dashboards")
DEFAULT_SETTINGS_FILE = "hydrant.toml"
SHORTEST_MINUTE_RETENTION_DAYS = 3
_PASSWORD_IN_URL = re.compile(r"^[^/]*://[^:/@]*:[^@]+@|[?&](ssl)?password=", re.IGNORECASE)
SIMULATOR_KEY_VARIABLE = "HYDRANT_SIMULATE_ACCESS_KEY"
"""Read by the simulator, and often set beside the server's settings."""


class Settings(BaseSettings):
    """What an operator can set. Secrets do not appear in its text form."""

    model_config = SettingsConfigDict(
        env_prefix="HYDRANT_", extra="forbid", frozen=True, hide_input_in_errors=True
    )

    host: str = "127.0.0.1"
    port: int = Field(12801, ge=0, le=65535)
    database: str = Field("sqlite:///hydrant.db", repr=False)
    rules: Path = DEFAULT_RULES
    rules_poll_seconds: int = Field(2, ge=1, le=3600)
    alarm_rules: Path = DEFAULT_ALARM_RULES
    dashboards: Path | None = None
    alarm_shortest_delay_minutes: int = Field(1, ge=1, le=120)
    alarm_longest_delay_minutes: int = Field(15, ge=1, le=240)
    alarm_silence_minutes: int = Field(5, ge=1, le=1440)
    alarm_correction_hours: int = Field(48, ge=1, le=336)
    access_keys: Annotated[tuple[AccessKey, ...], NoDecode] = Field((), repr=False)
    allow_anonymous: bool = False
    read_tokens: Annotated[tuple[str, ...], NoDecode] = Field((), repr=False)
    allow_anonymous_reads: bool = False
    operator_tokens: Annotated[tuple[str, ...], NoDecode] = Field((), repr=False)
    session_hours: int = Field(12, ge=1, le=720)
    secrets_directory: Path | None = None
    migrate_on_start: bool = True
    reader_connections: int = Field(8, ge=1, le=100)
    writer_queue: int = Field(64, ge=1, le=10_000)
    concurrent_deliveries: int = Field(4, ge=1, le=100)
    body_memory_mib: int = Field(256, ge=90)
    lease_seconds: int = Field(10, ge=1, le=300)
    delivery_seconds: int = Field(50, ge=1, le=160)
    database_wait_seconds: int = Field(60, ge=0, le=3600)
    delivery_retention_hours: int = Field(48, ge=3)
    quarantine_retention_days: int = Field(30, ge=0)
    minute_retention_days: int = Field(15, ge=0)
    five_minute_retention_days: int = Field(63, ge=0)
    hour_retention_days: int = Field(455, ge=0)
    five_minute_settling_seconds: int = Field(120, ge=0, le=86_400)
    hour_settling_seconds: int = Field(600, ge=0, le=86_400)
    stream_silence_minutes: int = Field(10, ge=1, le=1440)
    stream_lag_minutes: int = Field(15, ge=1, le=2880)
    stream_rejected_percent: int = Field(1, ge=0, le=100)
    alarm_channels: Path | None = None
    alarm_give_up_hours: int = Field(24, ge=1, le=168)
    alarm_notification_retention_days: int = Field(30, ge=1, le=3650)
    external_url: str | None = None
    query_max_points: int = Field(2_000_000, ge=1)
    query_max_samples: int = Field(50_000_000, ge=1)
    query_max_series: int = Field(100_000, ge=1)
    query_timeout_seconds: int = Field(60, ge=1, le=3600)
    query_lookback_seconds: int = Field(300, ge=1, le=86_400)
    concurrent_queries: int = Field(4, ge=1, le=100)
    price_file: Path | None = None
    decoder: Literal["auto", "reference", "native"] = "auto"
    log_format: Literal["console", "json"] = "console"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("access_keys", mode="before")
    @classmethod
    def _access_keys(cls, value: object) -> tuple[AccessKey, ...]:
        return access_keys_from(value)

    @field_validator("read_tokens", "operator_tokens", mode="before")
    @classmethod
    def _tokens(cls, value: object, info: ValidationInfo) -> tuple[str, ...]:
        return tokens_from(value, (info.field_name or "").removesuffix("_tokens"))

    @field_validator("decoder", "log_level", "log_format", mode="before")
    @classmethod
    def _in_lower_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value

    @field_validator("external_url")
    @classmethod
    def _url_of_http(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"https?://[^\s/@?#]+(/[^\s?#]*)?", value):
            raise ValueError("a URL that begins with https:// or http:// is expected")
        return None if value is None else value.rstrip("/")

    @model_validator(mode="after")
    def _coarser_is_kept_longer(self) -> Self:
        """Points may come two days late, and what is rolled up must outlive what it is made of."""
        if 0 < self.minute_retention_days < SHORTEST_MINUTE_RETENTION_DAYS:
            raise ValueError(
                f"minute_retention_days is at least {SHORTEST_MINUTE_RETENTION_DAYS}, because data"
                " may come two days late; 0 keeps minutes for ever"
            )
        names = ("minute_retention_days", "five_minute_retention_days", "hour_retention_days")
        for finer, coarser in pairwise(names):
            shorter, longer = getattr(self, finer), getattr(self, coarser)
            if longer and (not shorter or longer < shorter):
                raise ValueError(f"{coarser} must be at least as long as {finer}; 0 is for ever")
        return self

    @model_validator(mode="after")
    def _delays_of_alarms_are_in_order(self) -> Self:
        if self.alarm_longest_delay_minutes < self.alarm_shortest_delay_minutes:
            raise ValueError(
                "alarm_longest_delay_minutes must be at least alarm_shortest_delay_minutes"
            )
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Command line over environment over secret files over the settings file."""
        del dotenv_settings, file_secret_settings
        file = TomlConfigSettingsSource(settings_cls)
        return init_settings, env_settings, _SecretFiles(settings_cls, file), file


class _SecretFiles(PydanticBaseSettingsSource):
    """The files of the directory that the other sources name."""

    def __init__(self, settings_cls: type[BaseSettings], file: PydanticBaseSettingsSource) -> None:
        super().__init__(settings_cls)
        self._file = file

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Not asked for: all files are read at once."""
        raise NotImplementedError

    def __call__(self) -> dict[str, Any]:
        directory = self.current_state.get("secrets_directory")
        if directory is None:
            directory = self._file().get("secrets_directory")
        if not isinstance(directory, str | Path):
            return {}
        if not str(directory):
            raise ConfigurationError("secrets_directory is set and empty; unset it instead")
        names = [name for name in self.settings_cls.model_fields if name != "secrets_directory"]
        return dict(read_secret_files(Path(directory), names))


def load_settings(settings_file: Path | None = None, **overrides: Any) -> Settings:  # noqa: ANN401
    """The settings in force; ``overrides`` (of the command line) count most, None is ignored.

    Raises ``ConfigurationError`` naming each setting that is wrong, never its value.
    """
    if settings_file is not None and not settings_file.is_file():
        raise ConfigurationError(f"the settings file {settings_file} does not exist")
    given = {name: value for name, value in overrides.items() if value is not None}
    if _has_password(str(given.get("database", ""))):
        raise ConfigurationError(
            "the database's password is on the command line, where every user of the machine can"
            " read it; give the URL in HYDRANT_DATABASE, in a settings file or in the file"
            " hydrant_database of HYDRANT_SECRETS_DIRECTORY, or the password in ~/.pgpass"
        )
    try:
        return _reading(settings_file or Path(DEFAULT_SETTINGS_FILE))(**given)
    except ValidationError as error:
        faults = "; ".join(
            ": ".join(part for part in (_place(fault), _in_our_words(fault)) if part)
            for fault in error.errors()
        )
        raise ConfigurationError(f"the settings are wrong: {faults}") from error
    except (ValueError, OSError) as error:
        raise ConfigurationError(f"the settings cannot be read: {error}") from error


def _has_password(url: str) -> bool:
    return bool(_PASSWORD_IN_URL.search(url))


def _place(fault: "ErrorDetails") -> str:
    """The setting at fault; nothing where several do not fit together."""
    return ".".join(str(part) for part in fault["loc"])


def _in_our_words(fault: "ErrorDetails") -> str:
    if fault["type"] == "extra_forbidden":
        return f"there is no such setting; there are {', '.join(Settings.model_fields)}"
    # Pydantic's prefix to what our own checks say.
    return fault["msg"].removeprefix("Value error, ")


def unknown_variables(environment: Iterable[str] = os.environ) -> list[str]:
    """Variables that look like settings and are none, such as a misspelt one."""
    known = {f"HYDRANT_{name.upper()}" for name in Settings.model_fields}
    known.add(SIMULATOR_KEY_VARIABLE)
    return sorted(name for name in environment if name.startswith("HYDRANT_") and name not in known)


@lru_cache(maxsize=4)
def _reading(file: Path) -> type[Settings]:
    """The settings class reading this file; pydantic-settings takes the path from the class."""

    class FromFile(Settings):
        model_config = SettingsConfigDict(toml_file=file)

    return FromFile
