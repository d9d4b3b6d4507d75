"""Completes the description that FastAPI makes: types of bodies and answers that it does not read itself."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI
from pydantic import BaseModel

from earwitness.api.http.catalogues.catalogue_schemas import CatalogueIn
from earwitness.api.http.jobs.result_schemas import RESULTS
from earwitness.api.http.notices.notice_schemas import WebhookIn
from earwitness.api.http.openapi.evidence_schemas import EVIDENCE, signed_notice
from earwitness.api.http.openapi.jobs_by_kind import divide_jobs
from earwitness.api.http.openapi.named_enums import name_enums
from earwitness.api.http.openapi.shipped_schemas import REF, refer_to_named, shipped_schemas
from earwitness.api.http.openapi.stated_defaults import state_defaults
from earwitness.api.http.openapi.type_examples import EXAMPLES
from earwitness.api.http.schemas import ProblemOut
from earwitness.api.http.stored.stored_schemas import WorkChangeIn

_KEY: Final = "A key of this server, where it has keys."
SECURITY: Final[dict[str, Any]] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": _KEY},
    "basic": {"type": "http", "scheme": "basic", "description": f"{_KEY} As the password, with any name."},
}


def describe(app: FastAPI) -> None:
    """Add to the API's description what FastAPI does not know."""
    described_by_fastapi = app.openapi

    def completed() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _completed(described_by_fastapi())
        return app.openapi_schema

    app.openapi = completed  # type: ignore[method-assign]


def _completed(described: dict[str, Any]) -> dict[str, Any]:
    schemas = described["components"]["schemas"]
    schemas |= shipped_schemas()
    for model in (CatalogueIn, WebhookIn, WorkChangeIn, ProblemOut, *RESULTS, *EVIDENCE):
        schemas |= _defined(model)
    schemas["SignedNotice"] = signed_notice(schemas["NoticeOut"])
    divide_jobs(schemas)
    name_enums(described)
    state_defaults(described)
    for name, examples in EXAMPLES.items():
        schemas[name]["examples"] = list(examples)
    described["components"]["securitySchemes"] = SECURITY
    described["security"] = [{}, {"bearer": []}, {"basic": []}]
    described["components"]["schemas"] = dict(sorted(schemas.items()))
    return described


def _defined(model: type[BaseModel]) -> dict[str, Any]:
    """Return the schema of a type that FastAPI does not read itself, and those that it uses."""
    described = model.model_json_schema(ref_template=f"{REF}{{model}}")
    described = refer_to_named(described)
    return {**described.pop("$defs", {}), model.__name__: described}
