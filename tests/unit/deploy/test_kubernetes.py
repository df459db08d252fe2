"""The Kubernetes manifests: schemas, the restricted profile, and agreement with the code."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from app import __version__
from app.api import GRACEFUL_SECONDS
from app.firehose import MAX_BODY_BYTES
from app.settings import Settings
from tests.fixtures.server import DELIVERY_PATH
from tests.unit.deploy.validators import DEPLOY, accepted

ROOT = DEPLOY / "kubernetes"
MANIFESTS = sorted(path for path in ROOT.rglob("*.yaml") if path.name != "kustomization.yaml")
KUSTOMIZATIONS = sorted(path.parent for path in ROOT.rglob("kustomization.yaml"))
FIREHOSE_WAITS_SECONDS = 180


def load(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return loaded


DEPLOYMENT = load(ROOT / "base" / "deployment.yaml")
POD: dict[str, Any] = DEPLOYMENT["spec"]["template"]["spec"]
SERVER: dict[str, Any] = POD["containers"][0]
CONTAINERS: list[dict[str, Any]] = [*POD["initContainers"], *POD["containers"]]


def test_manifests_have_the_schemas_of_kubernetes() -> None:
    assert len(MANIFESTS) > 8
    said = accepted("kubernetes-validate", "--strict", *MANIFESTS)
    assert said.count(" passed ") == len(MANIFESTS)


@pytest.mark.parametrize("directory", KUSTOMIZATIONS, ids=lambda path: path.name)
def test_kustomizations_can_be_built(directory: Path, tmp_path: Path) -> None:
    built = accepted("kubectl", "kustomize", directory)
    (tmp_path / "built.yaml").write_text(built)
    accepted("kubernetes-validate", "--strict", tmp_path / "built.yaml")
    assert set(re.findall(r"image: (\S+)", built)) == {
        f"registry.example.com/hydrant:{__version__}"
    }


def test_every_manifest_is_used_but_the_example() -> None:
    used = {
        (directory / name).resolve()
        for directory in KUSTOMIZATIONS
        for name in load(directory / "kustomization.yaml")["resources"]
    }
    assert {path.name for path in set(MANIFESTS) - used} == {"secret.example.yaml"}


@pytest.mark.parametrize("container", CONTAINERS, ids=lambda container: container["name"])
def test_containers_fit_the_restricted_profile(container: dict[str, Any]) -> None:
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert POD["securityContext"]["runAsUser"] == 10001
    assert POD["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["limits"]["memory"]
    namespace = load(ROOT / "base" / "namespace.yaml")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_ports_and_probes_are_those_of_the_server() -> None:
    assert SERVER["ports"] == [
        {"name": "http", "containerPort": Settings.model_fields["port"].default}
    ]
    paths = {
        name: SERVER[f"{name}Probe"]["httpGet"]["path"]
        for name in ("startup", "liveness", "readiness")
    }
    assert paths == {"startup": "/healthz", "liveness": "/healthz", "readiness": "/readyz"}


def test_two_replicas_of_which_one_stays() -> None:
    assert DEPLOYMENT["spec"]["replicas"] >= 2
    assert DEPLOYMENT["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    assert load(ROOT / "base" / "poddisruptionbudget.yaml")["spec"]["maxUnavailable"] == 1


def test_a_pod_has_time_to_finish() -> None:
    before = int(SERVER["lifecycle"]["preStop"]["exec"]["command"][1])
    assert POD["terminationGracePeriodSeconds"] >= before + GRACEFUL_SECONDS + 15


def test_secrets_are_files_named_after_settings() -> None:
    configuration = load(ROOT / "base" / "configmap.yaml")["data"]
    secret = load(ROOT / "base" / "secret.example.yaml")
    agreed = {f"hydrant_{field}" for field in Settings.model_fields}
    assert set(secret["stringData"]) <= agreed
    # A variable would count more than the file.
    assert not {name.upper() for name in secret["stringData"]} & set(configuration)
    for container in CONTAINERS:
        places = {mount["name"]: mount["mountPath"] for mount in container["volumeMounts"]}
        assert places["secrets"] == configuration["HYDRANT_SECRETS_DIRECTORY"]
    assert POD["volumes"][0]["secret"]["secretName"] == secret["metadata"]["name"]


@pytest.mark.parametrize("way", ["ingress-nginx", "alb"])
def test_only_deliveries_come_in(way: str) -> None:
    ingress = load(ROOT / way / "ingress.yaml")
    (rule,) = ingress["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert (path["path"], path["pathType"]) == (DELIVERY_PATH, "Exact")
    assert path["backend"]["service"] == {"name": "hydrant", "port": {"name": "http"}}


def test_ingress_nginx_refuses_no_legal_delivery() -> None:
    annotations = load(ROOT / "ingress-nginx" / "ingress.yaml")["metadata"]["annotations"]
    size = annotations["nginx.ingress.kubernetes.io/proxy-body-size"]
    assert int(size.removesuffix("m")) * 2**20 > MAX_BODY_BYTES
    timeout = annotations["nginx.ingress.kubernetes.io/proxy-read-timeout"]
    assert int(timeout) < FIREHOSE_WAITS_SECONDS
