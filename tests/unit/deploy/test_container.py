"""The Dockerfile: what hadolint says, and what it promises about the image."""

import json
import re

from app.settings import Settings
from tests.unit.deploy.validators import REPOSITORY, accepted

DOCKERFILE = (REPOSITORY / "Dockerfile").read_text("utf-8")
_WITHOUT_COMMENTS = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE)
INSTRUCTIONS = [
    line.split(maxsplit=1)
    for line in re.sub(r"\s*\\\n\s*", " ", _WITHOUT_COMMENTS).split("\n")
    if line
]
FINAL_STAGE = INSTRUCTIONS[
    max(place for place, (name, _) in enumerate(INSTRUCTIONS) if name == "FROM") :
]


def values(name: str, stage: list[list[str]] = FINAL_STAGE) -> list[str]:
    return [rest for instruction, rest in stage if instruction == name]


def environment() -> dict[str, str]:
    return dict(pair.split("=", 1) for line in values("ENV") for pair in line.split())


def copied() -> list[str]:
    """What the image takes from the repository."""
    lines = [line for line in values("COPY", INSTRUCTIONS) if not line.startswith("--from")]
    return [source for line in lines for source in line.split()[:-1]]


def test_hadolint_has_nothing_against_it() -> None:
    accepted("hadolint", "--failure-threshold", "style", "Dockerfile")


def test_base_images_are_pinned_and_the_same() -> None:
    images = {line.split(" AS ")[0] for line in values("FROM", INSTRUCTIONS)}
    assert len(images) == 1
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", images.pop())


def test_dependencies_are_hashed_and_never_built() -> None:
    installs = [line for line in values("RUN", INSTRUCTIONS) if "--requirement" in line]
    assert len(installs) == 2
    assert all("--require-hashes" in install for install in installs)
    assert all("--only-binary :all:" in install for install in installs)


def test_no_package_index_is_named() -> None:
    assert "://" not in DOCKERFILE


def test_it_runs_as_a_fixed_user_that_is_not_root() -> None:
    (user,) = values("USER")
    assert user == "10001:10001"
    assert "useradd --uid 10001 --gid 10001" in values("RUN")[0]


def test_what_it_starts() -> None:
    assert [json.loads(value) for value in values("ENTRYPOINT")] == [["hydrant"]]
    assert [json.loads(value) for value in values("CMD")] == [["serve"]]
    assert json.loads(values("HEALTHCHECK")[0].partition(" CMD ")[2]) == [
        "hydrant",
        "health",
        "--alive",
    ]


def test_it_listens_on_the_port_that_it_exposes() -> None:
    assert values("EXPOSE") == [str(Settings.model_fields["port"].default)]
    assert environment()["HYDRANT_HOST"] == "0.0.0.0"


def test_no_variable_of_the_image_hides_a_secret_file() -> None:
    secrets = {"HYDRANT_DATABASE", "HYDRANT_ACCESS_KEYS", "HYDRANT_READ_TOKENS"}
    assert not secrets & set(environment())


def test_all_that_is_copied_is_there_and_not_ignored() -> None:
    ignore = (REPOSITORY / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in ignore if line and not line.startswith("#")]
    assert rules[0] == "*", "what is not named must stay out: secrets, databases, .git"
    taken = {rule[1:].removesuffix("*.txt") for rule in rules if rule.startswith("!")}
    assert set(copied()) == taken
    assert all((REPOSITORY / source).exists() for source in copied())
