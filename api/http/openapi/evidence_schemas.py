"""The types of signed evidence; it is written when an answer is made, and sent as it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

from pydantic import Field, WithJsonSchema

from earwitness.api.http.openapi.shipped_schemas import NAME
from earwitness.api.http.schemas import ApiModel

FindingField = Annotated[dict[str, Any], WithJsonSchema({NAME: "Finding"})]
CardField = Annotated[dict[str, Any], WithJsonSchema({NAME: "Card"})]
SignedNoticeField = Annotated[dict[str, Any], WithJsonSchema({NAME: "SignedNotice"})]
_DIGESTS: Final = "SHA-256 of each value's canonical JSON (RFC 8785), by its JSON pointer."
_SIGNATURE: Final = "Detached JWS over the canonical JSON of the digests."


class EvidenceQueryOut(ApiModel):
    """The file that was asked about."""

    name: str
    sha256: str | None


class EvidenceMatchedOut(ApiModel):
    """A recording that matched."""

    dataset: str
    version: str
    path: str
    sha256: str = Field(
        description="Id of the recording: the SHA-256 of its bytes, with its part if there is one."
    )


class EvidenceHashesOut(ApiModel):
    """The digests of the query and of what matched."""

    query: EvidenceQueryOut
    matched: list[EvidenceMatchedOut]


class EvidenceSpectrogramOut(ApiModel):
    """A small spectrogram."""

    levels: str = Field(description="Base64 of unsigned bytes, a frame after the other.")
    n_bands: int
    frame_s: float
    lowest_db: float
    step_db: float


class EvidenceStretchOut(ApiModel):
    """What is drawn of one of the two sounds."""

    start_s: float
    end_s: float
    first_s: float = Field(description="Where the spectrogram begins.")
    peaks: str = Field(description="Base64 of little-endian float32: pairs of time and band.")
    spectrogram: EvidenceSpectrogramOut | None


class EvidencePictureOut(ApiModel):
    """What is drawn of one match."""

    number: int = Field(description="Of the match in its finding, from 0.")
    low_hz: float
    bands_per_octave: float
    n_bands: int
    yours: EvidenceStretchOut
    theirs: EvidenceStretchOut


class EvidenceContentsOut(ApiModel):
    """What is signed of an answer."""

    id: str = Field(description="Number of the answer, made from its contents.")
    answered_at: str
    made_with: str
    index_state: str = Field(description="Digest of the state of the collections that were searched.")
    findings: list[FindingField]
    hashes: list[EvidenceHashesOut] = Field(description="Of each finding.")
    cards: dict[str, CardField] = Field(
        description="Cards as of that day, by the names that the findings have for the datasets."
    )
    not_proven: str = Field(description="What the answer does not show.")
    pictures: list[list[EvidencePictureOut]] = Field(
        description="Of each finding; empty where there are none."
    )


class EvidenceOut(ApiModel):
    """The signed evidence of an answer."""

    format: Literal["earwitness.evidence/1"]
    contents: EvidenceContentsOut
    digests: dict[str, str] = Field(description=_DIGESTS)
    signature: str = Field(description=_SIGNATURE)


class NoticeEvidenceContentsOut(ApiModel):
    """What is signed of a notice."""

    id: str = Field(description="Number of this evidence, made from its contents.")
    answered_at: str = Field(description="When the notice was made.")
    made_with: str
    notice: SignedNoticeField
    cards: dict[str, CardField] = Field(description="The dataset's card, where there is one, by its id.")
    not_proven: str = Field(description="What the notice does not show.")


class NoticeEvidenceOut(ApiModel):
    """The signed evidence of a notice."""

    format: Literal["earwitness.notice-evidence/1"]
    contents: NoticeEvidenceContentsOut
    digests: dict[str, str] = Field(description=_DIGESTS)
    signature: str = Field(description=_SIGNATURE)


EVIDENCE: Final = (EvidenceOut, NoticeEvidenceOut)
_NOT_SIGNED: Final = ("id", "created_at", "headline", "sentences", "delivery", "attempts", "evidence")


def signed_notice(notice: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a notice in its evidence, made of that of a notice."""
    fields = {name: part for name, part in notice["properties"].items() if name not in _NOT_SIGNED}
    return {
        "title": "SignedNotice",
        "description": "A notice in its evidence: what it says, and its number.",
        "type": "object",
        "additionalProperties": False,
        "properties": {"number": {"type": "integer"}, **fields},
        "required": ["number", *(name for name in notice["required"] if name in fields)],
    }
