"""The fields of each form. An unknown field is refused: a misspelt one could widen a search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, TypeVar

from fastapi.exceptions import RequestValidationError
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
)

from earwitness.index.match import Effort

LONGEST: Final = 500
Text = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST),
    WithJsonSchema({"type": "string", "pattern": r"\S", "maxLength": LONGEST}),
]
Isrc = Annotated[
    str,
    BeforeValidator(lambda value: value.replace("-", "").upper() if isinstance(value, str) else value),
    StringConstraints(pattern=r"^[A-Z]{2}[A-Z0-9]{3}[0-9]{7}$"),
    WithJsonSchema(
        {"type": "string", "pattern": "^[A-Za-z]{2}-?[A-Za-z0-9]{3}-?[0-9]{2}-?[0-9]{5}$", "maxLength": 15}
    ),
]


class FormFields(BaseModel):
    """Base of the forms."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class CheckForm(FormFields):
    """The datasets to search, the effort, and the batch."""

    collections: tuple[Text, ...] = ()
    effort: Effort = Effort.STANDARD
    batch: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")] | None = None


class WorkForm(FormFields):
    """Metadata of the work; where a field but the owner is missing, the tags of the file give it."""

    title: Text | None = None
    artist: Text | None = None
    album: Text | None = None
    owner: Text | None = None
    isrc: Isrc | None = None
    watch: bool = False


class IndexForm(FormFields):
    """Name and version of the dataset."""

    name: Text
    version: Text = "1"


class ScanForm(FormFields):
    """The effort for each item."""

    effort: Effort = Effort.FULL


Form = TypeVar("Form", bound=FormFields)

DESCRIPTIONS: Final[Mapping[str, str]] = {
    "collections": "Datasets to search, as NAME or NAME:VERSION; without any, all of them. May be repeated.",
    "batch": "32 hexadecimal digits of your choice: checks with the same ones are shown together.",
    "effort": "Which variants of the sound are searched.",
    "name": "Name of the dataset.",
    "version": "Version of the dataset.",
    "title": "The work's title; without it, that of the file's tags.",
    "artist": "Who performs it; without it, that of the file's tags.",
    "album": "The album it is on; without it, that of the file's tags.",
    "owner": "Who owns it; need not be the artist.",
    "watch": "Whether datasets that are indexed or added from now on are asked about it.",
    "isrc": "Its ISRC, with or without hyphens; without it, that of the file's tags.",
}


def parse(form: type[Form], fields: Mapping[str, Sequence[str]]) -> Form:
    """Read a form's text fields; browsers send an empty field for one that is left out.

    Raises
    ------
    RequestValidationError
        Naming each field that is wrong.
    """
    given: dict[str, Any] = {}
    for name, values in fields.items():
        filled = [value for value in values if value]
        if filled:
            given[name] = filled if name == "collections" else filled[-1]
    try:
        return form.model_validate(given)
    except ValidationError as error:
        raise RequestValidationError(error.errors(include_url=False)) from error


def upload_body(form: type[FormFields], *, file: str) -> dict[str, Any]:
    """Describe an upload for OpenAPI; the routes read the stream themselves, so FastAPI does not know it."""
    schema = form.model_json_schema()
    properties = {name: _plain(name, part) for name, part in schema["properties"].items()}
    properties["file"] = {"type": "string", "format": "binary", "description": file}
    body = {
        "type": "object",
        "properties": properties,
        "required": [*schema.get("required", ()), "file"],
        "additionalProperties": False,
    }
    return {"required": True, "content": {"multipart/form-data": {"schema": body}}}


def _plain(name: str, part: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a field; a form leaves a field out where JSON has null."""
    default = {"default": part["default"]} if part.get("default") is not None else {}
    if name == "effort":
        plain: dict[str, Any] = {"type": "string", "enum": [effort.value for effort in Effort]}
    elif name == "collections":
        plain, default = {"type": "array", "items": part["items"]}, {}
    else:
        (plain,) = (each for each in part.get("anyOf", [part]) if each["type"] != "null")
    kept: dict[str, Any] = {
        key: plain[key] for key in ("type", "items", "enum", "pattern", "maxLength") if key in plain
    }
    return {**kept, **default, "description": DESCRIPTIONS[name]}
