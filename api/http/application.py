"""The web application, made from settings; it opens the home when it starts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Final

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool

from earwitness.api.http import health, pages, problems, routes
from earwitness.api.http.acoustid import acoustid_routes
from earwitness.api.http.catalogues import catalogue_page, catalogue_routes
from earwitness.api.http.jobs import job_routes
from earwitness.api.http.logs.request_log import RequestLog
from earwitness.api.http.metrics import Meter
from earwitness.api.http.notices import mine_page, notice_routes, watch_routes, webhook_routes
from earwitness.api.http.openapi.api_description import describe
from earwitness.api.http.protection.api_keys import KeyRing
from earwitness.api.http.protection.hosts import OwnNames
from earwitness.api.http.protection.request_guard import Guard
from earwitness.api.http.service import Service, close_service, open_service
from earwitness.api.http.stored import dataset_routes, work_routes
from earwitness.api.settings import Settings

DESCRIPTION: Final = """
Tells whether a recording is inside a dataset that was indexed here, and which items of a dataset hold a work
that was registered here. An upload is answered with 202 and the address of a job; its audio is deleted when
the job ends (where the job failed for another reason than its upload, it is stored for some days for a
retry). A match says that both files hold the same sound, and how often unrelated audio would match as
well.
"""
ROUTES: Final = (
    routes,
    work_routes,
    watch_routes,
    notice_routes,
    webhook_routes,
    dataset_routes,
    job_routes,
    catalogue_routes,
    acoustid_routes,
    health,
    pages,
    catalogue_page,
    mine_page,
)
TAGS: Final = [
    {"name": "checks", "description": "Is this recording in a dataset?"},
    {"name": "works", "description": "Registered works."},
    {"name": "notices", "description": "Which datasets hold watched works."},
    {"name": "collections", "description": "Index or scan an archive; list all collections."},
    {"name": "datasets", "description": "What is stored of each dataset."},
    {"name": "catalogue", "description": "Works without audio, answered by name."},
    {"name": "acoustid", "description": "For clients that were written for AcoustID."},
    {"name": "jobs", "description": "Accepted jobs."},
    {"name": "health", "description": "For balancers and monitors."},
]


def create_app(settings: Settings, *, opened: Callable[[Settings], Service] = open_service) -> FastAPI:
    """Make the application; its home is opened when it starts, and closed when it stops.

    Parameters
    ----------
    opened : callable
        Opens the home.
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
        docs_url=None,  # its page loads scripts from another host
        redoc_url=None,
        lifespan=lifespan,
    )
    for module in ROUTES:
        app.include_router(module.router)
    app.mount("/static", pages.STATIC)
    problems.install(app)
    keys = KeyRing(settings.api_keys, tenant=settings.tenant)
    app.add_middleware(Guard, keys=keys, names=OwnNames(settings.host, settings.hosts))
    app.add_middleware(Meter)
    app.add_middleware(RequestLog)
    describe(app)
    return app
