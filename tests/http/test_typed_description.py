"""The description of the API is one from which typed clients can be generated."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import jsonschema
import pytest

from earwitness.api.http.openapi import named_enums, shipped_schemas
from earwitness.api.http.openapi.jobs_by_kind import KINDS
from earwitness.api.http.openapi.stated_defaults import state_defaults
from earwitness.api.http.schemas import FINDING_EXAMPLE, JOB_EXAMPLE
from tests.http.conftest import description

REF = "#/components/schemas/"
COMBINED = ("anyOf", "oneOf", "allOf")
UNTYPED: list[dict[str, Any]] = [
    {},
    {"description": "anything"},
    {"type": "object"},
    {"type": "object", "additionalProperties": True},
    {"type": "array"},
    {"type": "array", "items": {}},
    {"enum": ["a", "b"]},
    {"const": "a"},
    {"anyOf": [{"type": "string"}, {}]},
    {"allOf": [{"if": {}, "then": {}}]},
    {"type": "object", "properties": {"x": {"description": "anything"}}},
]


def untyped(schema: Mapping[str, Any], place: str) -> Iterator[str]:
    """Yield the places of a schema for which a generated client has no type."""
    if "$ref" in schema:
        return
    combined = [key for key in COMBINED if key in schema]
    for key in combined:
        for number, each in enumerate(schema[key]):
            yield from untyped(each, f"{place}/{key}/{number}")
    if "type" not in schema:
        yield from () if combined else (place,)
        return
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if "array" in kinds:
        yield from untyped(schema.get("items", {}), f"{place}/items")
    if "object" in kinds:
        yield from _untyped_object(schema, place)


def _untyped_object(schema: Mapping[str, Any], place: str) -> Iterator[str]:
    more = schema.get("additionalProperties")
    if isinstance(more, dict):
        yield from untyped(more, f"{place}/additionalProperties")
    elif more is True or "properties" not in schema:
        yield place
    for name, part in schema.get("properties", {}).items():
        yield from untyped(part, f"{place}/{name}")


def schemas_of(described: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every schema of the description that is not inside another one, with its place."""
    yield from described["components"]["schemas"].items()
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            place = f"{method} {path}"
            for each in operation.get("parameters", ()):
                yield f"{place} {each['name']}", each["schema"]
            for status, answer in {
                "body": operation.get("requestBody", {}),
                **operation["responses"],
            }.items():
                for kind, content in answer.get("content", {}).items():
                    yield f"{place} {status} {kind}", content["schema"]


def objects_in(part: Any) -> Iterator[dict[str, Any]]:
    """Yield every JSON object in a part of the description, but not in its examples."""
    if isinstance(part, list):
        for each in part:
            yield from objects_in(each)
    elif isinstance(part, dict):
        yield part
        for key, each in part.items():
            if key not in {"example", "examples"}:
                yield from objects_in(each)


@pytest.mark.parametrize("schema", UNTYPED, ids=str)
def test_a_schema_without_a_type_is_noticed(schema: dict[str, Any]) -> None:
    """The walk below sees what a client would have no type for."""
    assert list(untyped(schema, "x"))


def test_every_value_has_a_type() -> None:
    """Every parameter, body, answer and component states its type, and so does everything in it."""
    places = [place for name, each in schemas_of(description()) for place in untyped(each, name)]
    assert places == []
    assert len(list(schemas_of(description()))) > 300


def test_every_reference_leads_to_a_component_and_names_are_plain() -> None:
    """No reference leads nowhere, and no component has a made-up name of two that are called the same."""
    described = description()
    schemas = described["components"]["schemas"]
    refs = {each["$ref"] for each in objects_in(described) if isinstance(each.get("$ref"), str)}
    assert {ref.removeprefix(REF) for ref in refs} <= set(schemas)
    assert all(name.isalnum() for name in schemas), sorted(schemas)
    assert not any(shipped_schemas.NAME in each for each in objects_in(described))


def test_words_have_names() -> None:
    """A set of several words is a component, so that clients have one type for it wherever it occurs."""
    described = description()
    schemas = described["components"]["schemas"]
    named = {name for name, each in schemas.items() if "enum" in each}
    assert {*named_enums.NAMED, *named_enums.OF_FIELDS.values()} <= named
    assert [each for each in named_enums.enums_in(described) if each not in [schemas[n] for n in named]] == []


def test_no_union_of_objects_is_without_a_name() -> None:
    """A value is of one type, or null; a choice between several objects is the component `JobOut`."""
    for name, schema in schemas_of(description()):
        for each in objects_in(schema):
            refs = [one for key in COMBINED for one in each.get(key, ()) if "$ref" in one]
            assert len(refs) < 2 or name == "JobOut", (name, each)


def test_the_kind_of_a_job_tells_the_type_of_its_result() -> None:
    """Each kind of job is a type of its own, which does not admit the kind of another."""
    described = description()
    schemas = described["components"]["schemas"]
    assert schemas["JobOut"]["discriminator"]["mapping"] == {
        k: f"{REF}{name}" for k, (name, _) in KINDS.items()
    }
    job = {**JOB_EXAMPLE, "result": FINDING_EXAMPLE}
    jsonschema.validate(job, {**described, "$ref": f"{REF}CheckJob"})
    jsonschema.validate(job, {**described, "$ref": f"{REF}JobOut"})
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(job, {**described, "$ref": f"{REF}WorkJob"})


def test_examples_fit_their_types() -> None:
    """Each example of a type, a body or an answer is valid: null is there where a type has it."""
    described, n = description(), 0
    types = described["components"]["schemas"]
    examples = [
        ({"$ref": f"{REF}{name}"}, each) for name in types for each in types[name].get("examples", ())
    ]
    with_one = [each for each in objects_in(described["paths"]) if "example" in each and "schema" in each]
    for schema, example in [*examples, *((each["schema"], each["example"]) for each in with_one)]:
        jsonschema.validate(example, {**described, **schema})
        n += 1
    assert n > 8


def test_each_body_has_one_form_and_takes_no_other_field() -> None:
    """Clients have one type of body for an operation; fields that the server refuses are not admitted."""
    described = description()
    schemas = described["components"]["schemas"]
    for path, operations in described["paths"].items():
        for operation in operations.values():
            for schema in [
                each["schema"] for each in operation.get("requestBody", {}).get("content", {}).values()
            ]:
                assert len(operation["requestBody"]["content"]) == 1, path
                body = schemas[schema["$ref"].removeprefix(REF)] if "$ref" in schema else schema
                assert path == "/v2/lookup" or body["additionalProperties"] is False, path
                assert not any("default" in field for field in body["properties"].values()), path


def test_a_default_of_a_body_is_said_in_words() -> None:
    """A field with a default may be left out; as a default of null it would read as always there."""
    field = {"type": "boolean", "description": "Whether.", "default": True}
    other = {"type": "string", "default": None}
    body = {"type": "object", "properties": {"one": field, "other": other}}
    operation = {"requestBody": {"content": {"application/json": {"schema": {"$ref": f"{REF}In"}}}}}
    state_defaults({"components": {"schemas": {"In": body}}, "paths": {"/": {"post": operation}}})
    assert field == {"type": "boolean", "description": "Whether. Default: `true`."}
    assert other == {"type": "string"}
