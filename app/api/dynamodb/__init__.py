"""Routes under /api/v1/dynamodb: a module for each insight."""

from fastapi import APIRouter, Depends

from app.api.context import ApiContext
from app.api.dynamodb.account import add_account
from app.api.dynamodb.cost import add_cost
from app.api.dynamodb.latency import add_latency
from app.api.dynamodb.limits import add_limits
from app.api.dynamodb.ranking import add_ranking
from app.api.dynamodb.stream_cost import add_stream_cost
from app.api.dynamodb.tables import add_tables
from app.api.dynamodb.throttling import add_throttling
from app.api.dynamodb.utilization import add_utilization
from app.api.errors import ERROR_RESPONSES
from app.api.parameters import known_parameters_only


def dynamodb_router(context: ApiContext) -> APIRouter:
    """Routes of what the metrics of DynamoDB say."""
    router = APIRouter(
        prefix="/api/v1/dynamodb",
        tags=["dynamodb"],
        dependencies=[Depends(known_parameters_only)],
        responses=ERROR_RESPONSES,
    )
    add_tables(router, context)
    add_account(router, context)
    add_ranking(router, context)
    add_utilization(router, context)
    add_latency(router, context)
    add_throttling(router, context)
    add_limits(router, context)
    add_cost(router, context)
    add_stream_cost(router, context)
    return router
