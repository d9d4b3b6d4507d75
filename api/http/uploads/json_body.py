"""A small JSON body, read with limits on its length and time."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.requests import Request

from earwitness.api.http.http_errors import UploadTooLarge
from earwitness.api.http.uploads.receive_upload import paced

MAX_BYTES: Final = 64 << 10
Model = TypeVar("Model", bound=BaseModel)


async def json_body(request: Request, model: type[Model]) -> Model:
    """Read the body of a request as a model.

    Raises
    ------
    UploadTooLarge, UploadTooSlow
    RequestValidationError
        Naming each field that is wrong.
    """
    body = bytearray()
    async for part in paced(request, limit_bytes=MAX_BYTES):
        body += part
        if len(body) > MAX_BYTES:
            raise UploadTooLarge(limit_bytes=MAX_BYTES, hint="send only the fields that are described")
    try:
        return model.model_validate_json(bytes(body))
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False, include_context=False)) from error


def described_body(model: type[BaseModel]) -> dict[str, Any]:
    """Describe the body for OpenAPI; the routes read the stream themselves, so FastAPI does not know it."""
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}
