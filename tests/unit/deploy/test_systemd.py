"""The systemd units, judged by systemd itself where it is installed."""

from collections import defaultdict
from pathlib import Path

import pytest

from app.api import GRACEFUL_SECONDS
from app.settings import Settings
from tests.unit.deploy.validators import DEPLOY, REPOSITORY, accepted

UNITS = DEPLOY / "systemd"
SERVICES = ["hydrant@.service", "hydrant-migrate.service"]
PROGRAM = "/opt/hydrant/bin/hydrant"
MOST_EXPOSED = 20
"""Of 100, as systemd-analyze counts; below 10 is for what needs no network."""


def section(name: str, heading: str = "Service") -> dict[str, list[str]]:
    """A unit's directives, of which some come several times."""
    found: dict[str, list[str]] = defaultdict(list)
    here = ""
    for line in (UNITS / name).read_text("utf-8").splitlines():
        if line.startswith("["):
            here = line.strip("[]")
        elif here == heading and "=" in line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found[key].append(value)
    return found


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The units with a program that exists here, the template as one instance of it."""
    for unit in UNITS.iterdir():
        text = unit.read_text("utf-8").replace(PROGRAM, "/bin/true")
        (tmp_path / unit.name).write_text(text)
    (tmp_path / "hydrant@12801.service").write_text((tmp_path / "hydrant@.service").read_text())
    return tmp_path


def test_systemd_understands_every_line(installed: Path) -> None:
    names = ["hydrant@12801.service", "hydrant-migrate.service", "hydrant.target"]
    units = [installed / name for name in names]
    said = accepted("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *units)
    assert said == ""


@pytest.mark.parametrize("name", ["hydrant@12801.service", "hydrant-migrate.service"])
def test_systemd_finds_services_well_confined(installed: Path, name: str) -> None:
    accepted(
        "systemd-analyze",
        "security",
        "--no-pager",
        "--offline=true",
        f"--threshold={MOST_EXPOSED}",
        installed / name,
    )


@pytest.mark.parametrize("name", SERVICES)
def test_units_are_complete(name: str) -> None:
    service = section(name)
    assert service["User"] == ["hydrant"]
    assert service["ProtectSystem"] == ["strict"]
    assert service["CapabilityBoundingSet"] == [""]
    assert "HYDRANT_SECRETS_DIRECTORY=%d" in service["Environment"][0].split()
    assert service["ExecStart"][0].startswith(f"{PROGRAM} ")
    assert section(name, "Unit")["StartLimitIntervalSec"] == ["0"]


@pytest.mark.parametrize("name", SERVICES)
def test_credentials_are_named_after_settings(name: str) -> None:
    loaded = [value.partition(":") for value in section(name)["LoadCredential"]]
    agreed = {f"hydrant_{field}" for field in Settings.model_fields}
    assert {credential for credential, _, _ in loaded} <= agreed
    assert all(path == f"/etc/hydrant/secrets/{name}" for name, _, path in loaded)


def test_both_are_confined_alike() -> None:
    confined = [
        {key: value for key, value in section(name).items() if key in HARDENING}
        for name in SERVICES
    ]
    assert confined[0] == confined[1]
    assert set(confined[0]) == HARDENING


HARDENING = {
    "NoNewPrivileges", "CapabilityBoundingSet", "AmbientCapabilities", "ProtectSystem",
    "ProtectHome", "PrivateTmp", "PrivateDevices", "PrivateUsers", "PrivateIPC", "ProtectClock",
    "ProtectControlGroups", "ProtectHostname", "ProtectKernelLogs", "ProtectKernelModules",
    "ProtectKernelTunables", "ProtectProc", "ProcSubset", "RestrictAddressFamilies",
    "RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID", "RemoveIPC", "LockPersonality",
    "MemoryDenyWriteExecute", "SystemCallArchitectures", "SystemCallFilter",
    "SystemCallErrorNumber", "KeyringMode", "UMask",
}  # fmt: skip


def test_a_server_comes_back_and_has_time_to_finish() -> None:
    server = section("hydrant@.service")
    assert server["Restart"] == ["always"]
    assert int(server["TimeoutStopSec"][0]) >= GRACEFUL_SECONDS + 15
    assert server["ExecStart"] == [f"{PROGRAM} serve --port %i"]
    assert section("hydrant-migrate.service")["ExecStart"] == [f"{PROGRAM} migrate"]


def test_the_documentation_names_every_unit() -> None:
    page = (REPOSITORY / "docs" / "deployment.md").read_text("utf-8")
    assert [unit.name for unit in UNITS.iterdir() if unit.name not in page] == []
