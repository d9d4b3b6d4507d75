"""The one road: Sound -> Query and Fingerprint."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from earwitness.fingerprint.activity import active_seconds
from earwitness.fingerprint.chromaprint import chromaprint
from earwitness.fingerprint.codes import NET_PARTS, Projector, Quantiser
from earwitness.fingerprint.errors import ModelDamaged, SchemeMismatch
from earwitness.fingerprint.params import Params
from earwitness.fingerprint.peaks import pick_peaks
from earwitness.fingerprint.spectrogram import normalise_level, spectrogram
from earwitness.fingerprint.types import Fingerprint, Query, Sound, Spectrogram

MODELS: Final = Path(__file__).parent / "model"
"""The newest scheme's files; older schemes keep theirs in folders below, each named after its scheme."""


class Extractor:
    """Everything of one scheme that turns sound into codes; stateless after loading, safe to share."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._card = _card(folder)
        self.scheme: str = self._card["scheme"]
        numbers: dict[str, Any] = self._card["params"]
        self.params = Params(**numbers)

    @property
    def files(self) -> list[str]:
        """Names of the shipped files, as the card states them."""
        return list(self._card["files"])

    @cached_property
    def _projector(self) -> Projector:
        return Projector([self.model_file(name).read_bytes() for name in NET_PARTS], self.params)

    @cached_property
    def _quantiser(self) -> Quantiser:
        return Quantiser.read(self.model_file("quantiser.npz"))

    def query(self, sound: Sound, *, whole: bool = True) -> Query:
        """Keep of a sound what can be asked about; the sound itself is no longer needed.

        Parameters
        ----------
        whole : bool
            Whether it may be asked which whole files are the same; else it gets no Chromaprint.
        """
        return Query(
            scheme=self.scheme,
            duration_s=sound.duration_s,
            active_s=active_seconds(sound),
            spectrogram=spectrogram(sound, self.params),
            chromaprint=chromaprint(sound) if whole else np.empty(0, dtype=np.uint32),
        )

    def fingerprint(self, query: Query) -> Fingerprint:
        """Keep of a query what is stored: packed codes on the coarse grid, peaks, the Chromaprint vector.

        Raises
        ------
        SchemeMismatch
            If the query was made by another scheme's extractor.
        """
        if query.scheme != self.scheme:
            raise SchemeMismatch(index_scheme=self.scheme, query_scheme=query.scheme)
        picture = normalise_level(query.spectrogram.power, self.params)
        return Fingerprint(
            scheme=self.scheme,
            duration_s=query.duration_s,
            active_s=query.active_s,
            codes=self.pack(self._projector.project(picture, fine=False)),
            peaks=pick_peaks(picture, self.params),
            chromaprint=query.chromaprint,
        )

    def embed(
        self, spectrogram: Spectrogram, *, fine: bool, phases: Sequence[int] | None = None
    ) -> NDArray[np.float32]:
        """Unit vectors along a spectrogram, shape (ceil(n_frames / hop), dim).

        Row ``k`` is centred at ``k * params.hop_s``, or at ``k * params.query_hop_s`` where `fine`; of fine
        rows, those of some `phases` alone can be had (see `Projector.project`).
        """
        seen = normalise_level(spectrogram.power, self.params)
        return self._projector.project(seen, fine=fine, phases=phases)

    def pack(self, embedding: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Unit vectors (n, dim) -> stored codes, uint8 (n, params.code_bytes)."""
        return self._quantiser.pack(embedding)

    def unpack(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Stored codes (n, params.code_bytes) -> unit vectors, float32 (n, dim)."""
        return self._quantiser.unpack(codes)

    def model_file(self, name: str) -> Path:
        """A shipped file of this scheme, its digest checked against the model card.

        Raises
        ------
        ModelDamaged
            If the file is missing, changed or not on the card.
        """
        path = self._folder / name
        stated = self._card["files"].get(name)
        if stated is None:
            raise ModelDamaged(path=name, reason=f"is not on the card of {self.scheme}")
        if not path.is_file():
            raise ModelDamaged(path=name, reason="is missing")
        if hashlib.sha256(path.read_bytes()).hexdigest() != stated:
            raise ModelDamaged(path=name, reason="does not have the digest that its card states")
        return path


def name_scheme(params: Params, folder: Path) -> str:
    """Short stable name, such as 'ew1-3f9a0c', of all numbers and weights that can change a fingerprint."""
    digest = hashlib.sha256(json.dumps(params.canonical(), sort_keys=True).encode())
    for name in (*NET_PARTS, "quantiser.npz"):
        digest.update((folder / name).read_bytes())
    return f"ew1-{digest.hexdigest()[:6]}"


def _card(folder: Path) -> dict[str, Any]:
    path = folder / "model.json"
    try:
        card: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelDamaged(path=path.name, reason=f"cannot be read ({error})") from error
    return card


def _folders() -> Iterator[Path]:
    """Newest scheme first."""
    yield MODELS
    yield from sorted(path.parent for path in MODELS.glob("*/model.json"))


def schemes() -> list[str]:
    """Names of the schemes that this program can make codes of, newest first."""
    return [_card(folder)["scheme"] for folder in _folders()]


@lru_cache(maxsize=4)
def extractor(scheme: str | None = None) -> Extractor:
    """The extractor of a scheme, loaded once; the newest where none is named.

    Raises
    ------
    SchemeMismatch
        If no model of that name is shipped.
    ModelDamaged
        If the shipped model cannot be read.
    """
    for folder in _folders():
        if scheme is None or _card(folder)["scheme"] == scheme:
            return Extractor(folder)
    raise SchemeMismatch(index_scheme=scheme or "", query_scheme=" or ".join(schemes()))
