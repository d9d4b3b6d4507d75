"""The types of the results of jobs. A check's result is a finding, whose schema the package ships."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import Field

from earwitness.api.http.schemas import ApiModel, ErrorOut

NO_CLAIMS: Final = "null where the E-values of this run do not hold"


class WorkLabelOut(ApiModel):
    """What a work is called."""

    title: str | None
    artist: str | None
    album: str | None
    owner: str | None
    isrc: str | None


class WorkResultOut(ApiModel):
    """The result of a job of the kind `work`."""

    status: Literal["registered", "existing", "refused"]
    work: WorkLabelOut | None = Field(description="As it is stored; null where it is not registered.")
    error: ErrorOut | None = Field(description="Why it was refused.")
    finding: dict[str, Any] | None = Field(
        description="In which datasets it is; null where none was searched, or it was refused."
    )


class AuditOut(ApiModel):
    """How many weak matches a run had, and how many chance gives: whether its E-values hold."""

    searched: int
    e_value_above: float
    e_value_up_to: float
    observed: int
    expected_by_chance: float
    expected_disturbed_copies: float


class IndexResultOut(ApiModel):
    """The result of a job of the kind `index`."""

    name: str
    version: str
    items: int
    added: int
    already: int = Field(description="Items that the dataset held before.")
    not_readable: int
    matches: int = Field(description="Items that hold a registered work.")
    possible: int
    shared_material: int
    claims_supported: bool = Field(description="Whether matches rest on E-values here.")
    audit: AuditOut
    warning: str | None = Field(description="For people, where the E-values do not hold.")


class ScanResultOut(ApiModel):
    """The result of a job of the kind `scan`."""

    items: int
    verdicts: dict[str, int] = Field(description="Items by verdict.")
    not_readable: int
    reasons: dict[str, int] = Field(description="Items that could not be read, by the code of the error.")
    works: dict[str, int] = Field(description="Items that hold a work, by what the work is called.")
    same_file: dict[str, int] | None = Field(default=None, description="Items that are a dataset's file.")
    names: dict[str, int] | None = Field(default=None, description="Items that a dataset names.")
    claims_supported: bool = Field(description="Whether matches rest on E-values here.")
    expected_false_matches: float | None = Field(description=f"By chance; {NO_CLAIMS}.")
    expected_possible: float | None = Field(description=f"By chance; {NO_CLAIMS}.")
    audit: AuditOut
    partial: list[str] = Field(description="What was not compared, for people.")
    summary: str = Field(description="For people.")


class RefusedTrackOut(ErrorOut):
    """A recording of a zip that is not checked, and why."""

    path: str


class AlbumResultOut(ApiModel):
    """The result of a job of the kind `album`: each recording is a job of the batch."""

    tracks: int = Field(description="Recordings for which a check was queued.")
    refused: list[RefusedTrackOut]
    passed_over: dict[str, int] = Field(description="Files that hold no sound, by kind.")


RESULTS: Final = (AlbumResultOut, WorkResultOut, IndexResultOut, ScanResultOut)
"""The types of results that have one of their own."""
