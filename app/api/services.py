"""Services, their instances and their endpoints, such as accounts and tables."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response

from app.api.context import ApiContext
from app.api.errors import ERROR_RESPONSES
from app.api.json import json_response
from app.api.parameters import known_parameters_only
from app.errors import NotFound
from app.mal import Scope
from app.storage import read_properties, search_entities


def services_router(context: ApiContext) -> APIRouter:
    """Routes of services and their parts."""
    router = APIRouter(
        prefix="/api/v1",
        tags=["entities"],
        dependencies=[Depends(known_parameters_only)],
        responses=ERROR_RESPONSES,
    )

    @router.get("/services", summary="List services, such as DynamoDB accounts")
    def list_services(
        layer: Annotated[str | None, Query(description="Such as AWS_DYNAMODB")] = None,
    ) -> Response:
        with context.store.read() as connection:
            entities = search_entities(connection, layer=layer)
        # A service of which only endpoints have metrics is one all the same.
        services = sorted({(entity.layer, entity.service) for entity in entities.values()})
        return json_response(
            {"services": [{"service": name, "layer": of_layer} for of_layer, name in services]}
        )

    @router.get("/services/{service}/endpoints", summary="List a service's endpoints")
    def list_endpoints(
        service: str,
        region: Annotated[str | None, Query(description="Such as eu-west-1")] = None,
    ) -> Response:
        with context.store.read() as connection:
            if not search_entities(connection, service=service):
                raise NotFound(f"there is no service {service}; /api/v1/services lists all")
            endpoints = search_entities(
                connection, scope=Scope.ENDPOINT, service=service, region=region
            )
        rows = [
            {"endpoint": item.endpoint, "region": item.region, "layer": item.layer}
            for item in endpoints.values()
        ]
        return json_response({"service": service, "endpoints": rows})

    @router.get("/services/{service}/instances", summary="List a service's instances")
    def list_instances(service: str) -> Response:
        with context.store.read() as connection:
            if not search_entities(connection, service=service):
                raise NotFound(f"there is no service {service}; /api/v1/services lists all")
            instances = search_entities(connection, scope=Scope.SERVICE_INSTANCE, service=service)
            properties = read_properties(connection, list(instances))
        rows = [
            {
                "instance": item.instance,
                "region": item.region,
                "layer": item.layer,
                "properties": properties[number],
            }
            for number, item in instances.items()
        ]
        return json_response({"service": service, "instances": rows})

    return router
