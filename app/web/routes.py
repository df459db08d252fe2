"""All pages, added to the application."""

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute

from app.api import ApiContext
from app.web.accounts import add_accounts
from app.web.alarms import add_alarms
from app.web.asset_files import AssetFiles
from app.web.assets_route import add_assets
from app.web.dashboards import add_dashboards
from app.web.explain import add_explain
from app.web.explore import add_explore, add_statistics
from app.web.figures import Figures
from app.web.overview import add_overview
from app.web.page_route import page_route
from app.web.rules import add_rules
from app.web.sign_in import add_sign_in
from app.web.streams import add_streams
from app.web.table import add_table
from app.web.tables import add_tables
from app.web.web import Web


def add_web(application: FastAPI, context: ApiContext) -> Web:
    """Add the pages. Raises ``ConfigurationError`` where the browser's packages are not there."""
    assets = AssetFiles()
    web = Web(context, assets)
    router = APIRouter(include_in_schema=False, route_class=page_route(web))
    figures = Figures(context)
    add_overview(router, web, figures)
    add_accounts(router, web, figures)
    add_tables(router, web, figures)
    add_table(router, web)
    add_dashboards(router, web)
    add_explain(router, web)
    add_explore(router, web)
    add_statistics(router, web)
    add_alarms(router, web)
    add_streams(router, web)
    add_rules(router, web)
    add_sign_in(router, web)
    web.paths = frozenset(route.path for route in router.routes if isinstance(route, APIRoute))
    application.include_router(router)
    files = APIRouter()
    add_assets(files, assets)
    application.include_router(files)
    application.state.error_page = web.error_page
    return web
