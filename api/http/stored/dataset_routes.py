"""The routes of datasets: listed, read, deleted, each named NAME or NAME:VERSION."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query

from earwitness.api.http.openapi_problems import ANY, WRITES, problems
from earwitness.api.http.service import Service, service_of
from earwitness.api.http.stored.stored_schemas import (
    DatasetOut,
    DatasetsOut,
    RemovedOut,
    names_of,
    sound_of,
)
from earwitness.api.pipeline.pipeline_errors import NoSuchCollection
from earwitness.api.pipeline.stored_works import refuse_while_indexed, remove_dataset
from earwitness.api.shelf.stored_names import card_of_dataset, open_names
from earwitness.index.database.records import CollectionKind

LONGEST: Final = 1_100
Served = Annotated[Service, Depends(service_of)]
DatasetName = Annotated[
    str,
    Path(
        min_length=1,
        max_length=LONGEST,
        description="`NAME:VERSION`, or `NAME` where there is one version.",
    ),
]
_WORDS: Final[dict[str, Any]] = {
    "_404": "No dataset is called so, or several versions are; the hint lists them.",
    "_422": "A field is wrong.",
}

router = APIRouter(prefix="/v1/datasets", tags=["datasets"])


@router.get("", operation_id="listDatasets", summary="List datasets", responses=problems(*ANY, 422, **_WORDS))
def get_datasets(
    service: Served,
    cursor: Annotated[str, Query(max_length=LONGEST, description="`next` of the page before.")] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> DatasetsOut:
    """List the datasets that a check searches by sound or by name, a page at a time."""
    rest = [each for each in datasets(service) if each.label > cursor]
    more = rest[limit - 1].label if len(rest) > limit else None
    return DatasetsOut(datasets=rest[:limit], next=more)


@router.get(
    "/{dataset:path}",
    operation_id="getDataset",
    summary="Get a dataset",
    responses=problems(*ANY, 404, 422, **_WORDS),
)
def get_dataset(dataset: DatasetName, service: Served) -> DatasetOut:
    """Return what is stored of one dataset."""
    known = datasets(service)
    found = [each for each in known if dataset in {each.name, each.label}]
    if len(found) != 1:
        raise NoSuchCollection(name=dataset, known=tuple(each.label for each in found or known))
    return found[0]


@router.delete(
    "/{dataset:path}",
    operation_id="deleteDataset",
    summary="Delete a dataset",
    responses=problems(*WRITES, 404, 409, 422, **_WORDS, _409="A job that has not ended is indexing it."),
)
def delete_dataset(dataset: DatasetName, service: Served) -> RemovedOut:
    """Delete the fingerprints and the names of a dataset; later checks do not search it.

    Lists of names are of all tenants: only a key of the server's own tenant deletes them.
    """
    refuse_while_indexed(dataset, service.jobs)
    removed = remove_dataset(
        dataset, writer=service.writer, settings=service.settings, with_names=service.is_own
    )
    return RemovedOut.of(removed)


def datasets(service: Service) -> list[DatasetOut]:
    """Return all datasets of which sound or names are stored, by name and version."""
    stored = service.writer.collections
    sound = {(each.name, each.version): each for each in stored if each.kind is CollectionKind.DATASET}
    names = {(each.dataset.name, each.dataset.version): each.dataset for each in open_names(service.settings)}
    found = [
        DatasetOut(
            name=key[0],
            version=key[1],
            card=card_of_dataset(key[0]),
            sound=sound_of(sound[key]) if key in sound else None,
            names=names_of(names[key]) if key in names else None,
        )
        for key in sound.keys() | names.keys()
    ]
    return sorted(found, key=lambda each: each.label)
