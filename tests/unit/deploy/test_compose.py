"""docker-compose.yml: its schema, and what its parts say about each other."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from app import __version__
from app.api import GRACEFUL_SECONDS
from app.settings import Settings
from tests.unit.deploy.validators import DEPLOY, REPOSITORY, accepted

FILE = REPOSITORY / "docker-compose.yml"
STACK: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = STACK["services"]
SERVERS = ["hydrant-1", "hydrant-2"]
CREATE_SECRETS = DEPLOY / "compose" / "create-secrets.sh"


def seconds(duration: str) -> int:
    assert duration.endswith("s")
    return int(duration[:-1])


def mounts(service: str) -> dict[str, Path]:
    """The repository's files by their place in the container."""
    pairs = [volume.removesuffix(":ro").split(":") for volume in SERVICES[service]["volumes"]]
    return {place: REPOSITORY / source for source, place in pairs if source.startswith("./")}


def created(directory: Path) -> set[str]:
    """Make secrets, and list them."""
    subprocess.run(
        [CREATE_SECRETS, "--self-signed", "metrics.example.com", directory],
        check=True,
        capture_output=True,
        timeout=60,
    )
    files = (path for path in directory.rglob("*") if path.is_file())
    return {str(path.relative_to(directory)) for path in files}


def test_it_has_the_shape_of_the_compose_specification() -> None:
    accepted("check-jsonschema", "--builtin-schema", "vendor.compose-spec", FILE)


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_confined(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert int(service["user"].split(":")[0]) > 0
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert service["logging"]["options"]["max-size"]
    assert "restart" in service
    assert all(volume.endswith(":ro") for volume in service.get("volumes", []) if "./" in volume)


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name: str) -> None:
    image = SERVICES[name]["image"]
    assert re.fullmatch(r"[\w./-]+:\d+\.\d+[\w.-]*", image)
    if "build" in SERVICES[name]:
        assert image == f"hydrant:{__version__}"


def test_only_nginx_publishes_ports_and_reads_stay_on_the_host() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["nginx"]
    assert SERVICES["nginx"]["ports"] == ["443:443", "127.0.0.1:8443:8443"]


def test_nothing_that_runs_by_itself_but_nginx_reaches_the_outside() -> None:
    networks = STACK["networks"].items()
    outside = {name for name, network in networks if not (network or {}).get("internal")}
    reaching = {name for name, service in SERVICES.items() if outside & set(service["networks"])}
    assert reaching == {"nginx", "tools"}
    assert SERVICES["tools"]["profiles"] == ["tools"]
    assert "back" not in SERVICES["nginx"]["networks"]


def test_services_wait_for_what_they_need() -> None:
    for name, service in SERVICES.items():
        for needed, condition in service.get("depends_on", {}).items():
            if condition["condition"] == "service_healthy":
                assert "test" in SERVICES[needed]["healthcheck"], (name, needed)
            else:
                assert condition["condition"] == "service_completed_successfully"
                assert SERVICES[needed]["restart"].startswith("on-failure")
    assert set(SERVICES["nginx"]["depends_on"]) == set(SERVERS)
    assert {"migrate", "postgresql"} == set(SERVICES["hydrant-1"]["depends_on"])


def test_the_replicas_differ_in_nothing_and_do_not_migrate() -> None:
    first, second = (SERVICES[name] for name in SERVERS)
    assert first == second
    assert first["environment"]["HYDRANT_MIGRATE_ON_START"] == "false"
    assert SERVICES["migrate"]["command"] == ["migrate"]
    assert SERVICES["migrate"]["image"] == first["image"]


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_has_time_to_finish(name: str) -> None:
    assert seconds(SERVICES[name]["stop_grace_period"]) >= GRACEFUL_SECONDS + 15
    assert SERVICES[name]["healthcheck"]["test"] == ["CMD", "hydrant", "health"]


def test_secrets_are_files_that_the_script_makes(tmp_path: Path) -> None:
    files = {Path(secret["file"]).relative_to("secrets") for secret in STACK["secrets"].values()}
    certificates = {"tls/fullchain.pem", "tls/privkey.pem"}
    assert created(tmp_path / "secrets") == {str(file) for file in files} | certificates
    used = {secret for service in SERVICES.values() for secret in service.get("secrets", [])}
    assert used == set(STACK["secrets"])


def test_the_servers_secrets_are_named_after_settings() -> None:
    names = {secret for name in [*SERVERS, "migrate"] for secret in SERVICES[name]["secrets"]}
    agreed = {f"hydrant_{field}" for field in Settings.model_fields}
    assert names <= agreed
    assert "hydrant_database" in names
    for name in [*SERVERS, "migrate"]:
        assert SERVICES[name]["environment"]["HYDRANT_SECRETS_DIRECTORY"] == "/run/secrets"


def test_secrets_are_random_fit_together_and_are_kept(tmp_path: Path) -> None:
    directory = tmp_path / "secrets"
    created(directory)
    texts = {path.name: path.read_text().strip() for path in directory.iterdir() if path.is_file()}
    url = texts.pop("hydrant_database")
    assert (
        url
        == f"postgresql://hydrant:{texts['postgresql_hydrant_password']}@postgresql:5432/hydrant"
    )
    assert len(set(texts.values())) == len(texts)
    assert all(re.fullmatch("[0-9a-f]{64}", text) for text in texts.values())
    assert directory.stat().st_mode & 0o777 == 0o700
    # Containers have users of their own, and the directory keeps everybody else out.
    assert all(path.stat().st_mode & 0o044 == 0o044 for path in directory.rglob("*.pem"))
    created(directory)
    assert (directory / "hydrant_database").read_text().strip() == url


def test_secrets_stay_out_of_the_repository_and_of_the_image() -> None:
    assert "secrets/" in (REPOSITORY / ".gitignore").read_text("utf-8").splitlines()
    assert not [
        line
        for line in (REPOSITORY / ".dockerignore").read_text("utf-8").splitlines()
        if line.startswith("!") and "secret" in line
    ]


@pytest.mark.skipif(not (DEPLOY / "nginx").is_dir(), reason="deploy/nginx is not in this branch")
def test_nginx_takes_the_files_as_they_are_mounted(tmp_path: Path) -> None:
    created(tmp_path / "secrets")
    root = tmp_path / "nginx"
    for place, source in sorted(mounts("nginx").items()):
        inside = root / Path(place).relative_to("/etc/nginx")
        copy_over(tmp_path / "secrets/tls" if "secrets" in source.parts else source, inside)
    for name in SERVERS:
        assert f"server {name}:12801" in (root / "hydrant-site/upstream.conf").read_text()
    # Names that only Compose's network knows, and directories of the image's.
    for file in root.rglob("*.conf"):
        text = re.sub(r"hydrant-\d:", "127.0.0.1:", file.read_text())
        text = re.sub(r"/var/(cache|log)/nginx|/run(?=/nginx.pid)", str(tmp_path), text)
        file.write_text(text)
    accepted("/usr/sbin/nginx", "-t", "-q", "-p", root, "-c", root / "nginx.conf")


def copy_over(source: Path, place: Path) -> None:
    """As a mount does: a directory's content, or one file over another."""
    assert source.exists(), source
    for file in [source] if source.is_file() else source.rglob("*"):
        target = place if file == source else place / file.relative_to(source)
        if file.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(file.read_bytes())
