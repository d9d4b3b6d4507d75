"""Health checks and metrics for load balancers and monitors."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from fastapi.responses import PlainTextResponse

from earwitness.api.http.http_errors import NoRoom, OperatorOnly
from earwitness.api.http.metrics import MEDIA_TYPE
from earwitness.api.http.openapi_problems import ANY, problems
from earwitness.api.http.schemas import HealthOut
from earwitness.api.http.service import Service, own_service, service_of
from earwitness.api.http.uploads.spool import demand_room
from earwitness.fingerprint.errors import EarwitnessError

router = APIRouter(tags=["health"])


@router.get("/livez", operation_id="isAlive", summary="Alive", response_class=PlainTextResponse)
async def get_livez() -> str:
    """Answer whenever the process runs."""
    return "alive\n"


@router.get(
    "/readyz",
    operation_id="isReady",
    summary="Ready",
    responses={503: {"model": HealthOut, "description": "Not ready, and why."}},
)
def get_readyz(response: Response, service: Annotated[Service, Depends(own_service)]) -> HealthOut:
    """Report whether the server can take work: its store answers, its lanes run, its disk has room."""
    reasons, epoch = service.runner.complaints(), None
    try:
        epoch = service.writer.epoch
    except EarwitnessError as error:
        reasons.append(error.message)
    try:
        demand_room(service.spool.folder)
    except NoRoom as error:
        reasons.append(error.message)
    if reasons:
        response.status_code = 503
    return HealthOut(
        ready=not reasons,
        epoch=epoch,
        reasons=reasons,
        remarks=[*service.sandbox_missing, *service.sender.remarks],
    )


@router.get(
    "/metrics",
    operation_id="getMetrics",
    summary="Metrics",
    response_class=PlainTextResponse,
    responses=problems(*ANY, ok={"description": "In Prometheus's text format."}),
)
def get_metrics(service: Annotated[Service, Depends(service_of)]) -> Response:
    """Return jobs by state, seconds by stage, verdicts and requests, of all tenants together."""
    if not service.is_own:
        raise OperatorOnly
    return Response(service.metrics.page(), media_type=MEDIA_TYPE)
