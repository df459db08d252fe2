"""The web application: routes, and one shape of error for each family of them."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI

import app
from app.api.alarms import alarms_router
from app.api.context import ApiContext
from app.api.docs import add_docs_page
from app.api.dynamodb import dynamodb_router
from app.api.entity_search import entity_search_router
from app.api.errors import add_error_handlers
from app.api.explain import explain_router
from app.api.firehose import firehose_router
from app.api.health import health_router
from app.api.host_header import HostHeader
from app.api.intake import Intake
from app.api.marks import marks_router
from app.api.metrics import metrics_router
from app.api.openapi import describe_security
from app.api.otlp import otlp_router
from app.api.prometheus import prometheus_health_router, prometheus_router
from app.api.quarantine import quarantine_router
from app.api.read_access import ReadAccess
from app.api.rules import rules_router
from app.api.security_headers import SecurityHeaders
from app.api.series import series_router
from app.api.services import services_router
from app.api.stopping import CutOff
from app.api.streams import streams_router
from app.api.top import top_router

Lifespan = Callable[[FastAPI], AbstractAsyncContextManager[None]]

_DESCRIPTION = """
Hydrant receives CloudWatch metric streams and answers with exact numbers.

Times are RFC 3339, Unix seconds or Unix milliseconds. Filters are optional and combine; without
one, everything in the time range. Where read tokens are configured, all but health and deliveries
need one: `Authorization: Bearer TOKEN`. Errors are `{"kind", "message"}` with a stable `kind`.
"""


@asynccontextmanager
async def _nothing(_: FastAPI) -> AsyncIterator[None]:
    yield


def create_application(context: ApiContext, lifespan: Lifespan = _nothing) -> FastAPI:
    """The application over a context; ``lifespan`` starts and stops what stands behind it."""
    application = FastAPI(
        title="Hydrant",
        version=app.__version__,
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        # Firehose follows no redirect, and a path that is wrong is better told so.
        redirect_slashes=False,
    )
    intake = Intake(context)
    for router in (
        firehose_router(context, intake),
        otlp_router(context, intake),
        services_router(context),
        entity_search_router(context),
        metrics_router(context),
        top_router(context),
        rules_router(context),
        explain_router(context),
        series_router(context),
        dynamodb_router(context),
        quarantine_router(context),
        streams_router(context),
        alarms_router(context),
        marks_router(context),
        prometheus_router(context),
        prometheus_health_router(context),
        health_router(context),
    ):
        application.include_router(router)
    add_docs_page(application)
    describe_security(application)
    application.add_middleware(ReadAccess, context=context)
    # The last one added is the outermost.
    application.add_middleware(HostHeader, clock=context.clock)
    application.add_middleware(SecurityHeaders)
    application.add_middleware(CutOff)
    add_error_handlers(application, context.clock)
    return application
