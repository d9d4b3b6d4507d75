"""The application: made from settings, holding nothing until it is started."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any, Final

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from earwitness.api.findings import schema
from earwitness.api.http import health, pages, problems, routes
from earwitness.api.http.metrics import Meter
from earwitness.api.http.protection.api_keys import KeyRing
from earwitness.api.http.protection.hosts import OwnNames
from earwitness.api.http.protection.request_guard import Guard
from earwitness.api.http.schemas import ProblemOut
from earwitness.api.http.service import Service, close_service, open_service
from earwitness.api.settings import Settings

DESCRIPTION: Final = """
Tells whether a recording is inside a dataset that was indexed here, and which items of a dataset hold a work
that was registered here. An upload is answered with 202 and the address of a job; its audio is deleted when
the job ends (where the job failed for no fault of it, it is kept for some days to be tried again). A match
says that the same recording was heard in both places, and how often unrelated audio would look as alike.
"""
TAGS: Final = [
    {"name": "checks", "description": "Is this recording in a dataset?"},
    {"name": "works", "description": "What creators registered."},
    {"name": "collections", "description": "Datasets: index them, scan them, list them."},
    {"name": "jobs", "description": "What was promised with a 202."},
    {"name": "health", "description": "For balancers and monitors."},
]


def create_app(settings: Settings, *, opened: Callable[[Settings], Service] = open_service) -> FastAPI:
    """Make the application; its home is opened when it starts, and let go of when it stops.

    Parameters
    ----------
    opened : callable
        Gives the opened home.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.service = await run_in_threadpool(opened, settings)
        try:
            yield
        finally:
            await run_in_threadpool(close_service, app.state.service)

    app = FastAPI(
        title="earwitness",
        version=version("earwitness"),
        description=DESCRIPTION,
        openapi_tags=TAGS,
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
    )
    for router in (routes.router, health.router, pages.router):
        app.include_router(router)
    app.mount("/static", pages.STATIC)
    problems.install(app)
    keys = KeyRing(settings.api_keys, tenant=settings.tenant)
    app.add_middleware(Guard, keys=keys, names=OwnNames(settings.host, settings.hosts))
    app.add_middleware(Meter)
    _describe_findings(app)
    return app


def _describe_findings(app: FastAPI) -> None:
    """Put the finding's own JSON Schema, which travels in the wheel, and the problem's among the API's."""
    describe = app.openapi

    def with_findings() -> dict[str, Any]:
        described = describe()
        schemas = described["components"]["schemas"]
        schemas["Finding"] = schema("finding")
        schemas["ProblemOut"] = ProblemOut.model_json_schema()
        return described

    app.openapi = with_findings  # type: ignore[method-assign]
