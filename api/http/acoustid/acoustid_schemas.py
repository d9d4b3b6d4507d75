"""The types of a lookup, as AcoustID has them; `places` is this program's."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from earwitness.api.http.acoustid.lookup_request import LONGEST_S
from earwitness.api.http.schemas import ApiModel


class LookupIn(BaseModel):
    """The parameters of a lookup; others are passed over, as AcoustID does."""

    model_config = ConfigDict(json_schema_extra={"additionalProperties": {"type": "string"}})

    client: str = Field(default="", description="An API key of this server, where it has keys.")
    duration: float = Field(gt=0, le=LONGEST_S, description="Length of the whole file in seconds.")
    fingerprint: str = Field(
        pattern="^[A-Za-z0-9_-]+$",
        description="Chromaprint of its first two minutes, as `fpcalc` prints it: base64 for URLs of a"
        " compressed fingerprint. Another text is refused (400, error 3), and so is a fingerprint of less"
        " than about 8 s, of silence or of a steady sound.",
    )
    meta: str = Field(
        default="",
        description="`recordings` or `recordingids`, besides `releases` or `releaseids`; others are skipped.",
    )
    format: Literal["json"] = Field(default="json", description="The only format of answers.")


class ArtistOut(ApiModel):
    """One artist."""

    id: str
    name: str


class PlaceOut(ApiModel):
    """Where a recording is: the path of an item in a collection."""

    collection: str = Field(description="`NAME:VERSION` of a dataset, or `works`.")
    path: str


class ReleaseOut(ApiModel):
    """A release that holds a recording."""

    id: str = Field(description="MusicBrainz id, as the metadata of an item states it.")
    title: str | None = None


class RecordingOut(BaseModel):
    """A recording under one name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(description="MusicBrainz id, where the dataset states it, else an id of this program.")
    duration: int | None = None
    title: str | None = None
    artists: list[ArtistOut] | None = None
    releases: list[ReleaseOut] | None = Field(
        default=None, description="Those whose MusicBrainz id the metadata of an item states."
    )
    n_places: int | None = None
    places: list[PlaceOut] | None = Field(default=None, description="The first of them.")


class LookupResultOut(ApiModel):
    """A recording that the fingerprint matches."""

    id: str
    score: float = Field(description="1: the same fingerprint; 0: as different as unrelated audio.")
    recordings: list[RecordingOut] | None = None


class LookupOut(ApiModel):
    """The answer to a lookup, best first."""

    status: Literal["ok"]
    results: list[LookupResultOut]


class AcoustidFailureOut(ApiModel):
    """AcoustID's number of an error, and what is wrong."""

    code: int
    message: str


class AcoustidErrorOut(ApiModel):
    """An error in AcoustID's form."""

    status: Literal["error"]
    error: AcoustidFailureOut


LOOKUP_EXAMPLE: Final[dict[str, Any]] = {
    "status": "ok",
    "results": [
        {
            "id": "0e5f5e36-6b6b-5b9e-9a32-0ce1b9a1c8a4",
            "score": 0.987342,
            "recordings": [
                {
                    "id": "8a1d4f70-54be-5b1d-8b40-7c6a2f0f3f55",
                    "duration": 187,
                    "title": "Rain on Glass",
                    "artists": [{"id": "c9f7b0c5-6df1-5c63-9a3b-0a4cf0f6c1b2", "name": "Night Bus"}],
                    "n_places": 1,
                    "places": [{"collection": "scraped-2026:1", "path": "shard-0/clip_12.ogg"}],
                }
            ],
        }
    ],
}
