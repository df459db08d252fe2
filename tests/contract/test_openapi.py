"""The OpenAPI description is true: real answers have its shapes, and every path names its keys."""

from typing import Any

import jsonschema_rs
import pytest

from app.api.paths import DELIVERY_PATHS, OPEN_PATHS
from tests.fixtures.house import House
from tests.fixtures.rest import ask, get
from tests.fixtures.shop import END_MS, START_MS

MANY = 1_000_000
RANGE = f"start={START_MS}&end={END_MS}&step=3600"
ANSWERS = {
    "/api/v1/metrics/{name}": f"/api/v1/metrics/shop_latency?{RANGE}&limit=1",
    "/api/v1/values": f"/api/v1/values?metric=shop_reads&{RANGE}",
    "/api/v1/top/{name}": "/api/v1/top/shop_latency?by=label:Operation",
    "/api/v1/entities": "/api/v1/entities?limit=2",
    "/api/v1/series": "/api/v1/series?limit=2",
    "/api/v1/statistics": "/api/v1/statistics?period=3600&period=7200",
}


@pytest.fixture
def document(shop: House) -> Any:  # noqa: ANN401 - parsed JSON
    status, document = get(shop, "/openapi.json", MANY)
    assert status == 200
    return document


@pytest.mark.parametrize("path", ANSWERS)
def test_answers_have_the_shapes_that_are_described(
    shop: House, document: dict[str, Any], path: str
) -> None:
    operation = document["paths"][path]["get"]
    content = operation["responses"]["200"]["content"]
    assert set(content) == {"application/json", "text/csv", "application/x-ndjson"}
    schema = content["application/json"]["schema"]
    assert jsonschema_rs.meta.is_valid(schema)
    status, answer = get(shop, ANSWERS[path], MANY)
    assert status == 200
    jsonschema_rs.Draft202012Validator(strict(schema)).validate(answer)
    jsonschema_rs.Draft202012Validator(strict(schema)).validate(schema["example"])
    status, answer = get(shop, "/api/v1/series?limit=0", MANY)
    error = operation["responses"]["400"]["content"]["application/json"]["schema"]
    jsonschema_rs.Draft202012Validator(strict(error)).validate(answer)


def strict(schema: Any) -> Any:  # noqa: ANN401 - a JSON Schema
    """The schema with no member allowed that it does not name."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: strict(part) for name, part in schema.items() if name != "example"}
    if "properties" in made and made.get("type") == "object":
        made.setdefault("additionalProperties", False)
    return made


def test_every_path_says_which_key_it_needs(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]
    assert {scheme["type"] for scheme in schemes.values()} == {"http", "apiKey"}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            named = {name for way in operation["security"] for name in way}
            assert named <= set(schemes)
            if path in OPEN_PATHS:
                assert not named
            elif path in DELIVERY_PATHS:
                assert "firehoseAccessKey" in named
            elif method == "get":
                assert named == {"readToken", "readTokenAsPassword"}
            else:
                assert named == {"operatorToken", "operatorTokenAsPassword"}


def test_the_page_of_routes_has_the_new_ones(shop: House) -> None:
    page = ask(shop, "/docs", MANY).text
    for path in ANSWERS:
        assert path in page
