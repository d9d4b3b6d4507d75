"""`Extractor`: computes queries and fingerprints from audio."""

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
"""Files of the newest scheme; those of older schemes are in subfolders named after the scheme."""


class Extractor:
    """Computes the fingerprints of one scheme; can be shared between threads.

    Parameters
    ----------
    folder : Path
        Folder with the model files of the scheme.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._metadata = _read_metadata(folder)
        self.scheme: str = self._metadata["scheme"]
        numbers: dict[str, Any] = self._metadata["params"]
        self.params = Params(**numbers)

    @property
    def files(self) -> list[str]:
        """Names of the model files listed in ``model.json``."""
        return list(self._metadata["files"])

    @cached_property
    def _projector(self) -> Projector:
        return Projector([self.model_file(name).read_bytes() for name in NET_PARTS], self.params)

    @cached_property
    def _quantiser(self) -> Quantiser:
        return Quantiser.read(self.model_file("quantiser.npz"))

    def query(self, sound: Sound, *, with_chromaprint: bool = True) -> Query:
        """Compute what a search needs of a recording; the audio itself is no longer needed.

        Parameters
        ----------
        with_chromaprint : bool
            Whether to compute the Chromaprint vector, for comparison with whole files.
        """
        return Query(
            scheme=self.scheme,
            duration_s=sound.duration_s,
            active_s=active_seconds(sound),
            spectrogram=spectrogram(sound, self.params),
            chromaprint=chromaprint(sound) if with_chromaprint else np.empty(0, dtype=np.uint32),
        )

    def fingerprint(self, query: Query) -> Fingerprint:
        """Compute what is stored: packed codes on the coarse grid, peaks, and the Chromaprint vector.

        Raises
        ------
        SchemeMismatch
            If the query was made by the extractor of another scheme.
        """
        if query.scheme != self.scheme:
            raise SchemeMismatch(index_scheme=self.scheme, query_scheme=query.scheme)
        log_spectrogram = normalise_level(query.spectrogram.power, self.params)
        return Fingerprint(
            scheme=self.scheme,
            duration_s=query.duration_s,
            active_s=query.active_s,
            codes=self.pack(self._projector.project(log_spectrogram, fine=False)),
            peaks=pick_peaks(log_spectrogram, self.params),
            chromaprint=query.chromaprint,
        )

    def embed(
        self, spectrogram: Spectrogram, *, fine: bool, phases: Sequence[int] | None = None
    ) -> NDArray[np.float32]:
        """Unit vectors along a spectrogram, shape (ceil(n_frames / hop), dim).

        Row ``k`` is centred at ``k * params.hop_s``, or at ``k * params.query_hop_s`` if `fine`; `phases`
        restricts the fine rows to be computed (see `Projector.project`).
        """
        log_spectrogram = normalise_level(spectrogram.power, self.params)
        return self._projector.project(log_spectrogram, fine=fine, phases=phases)

    def pack(self, embedding: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Quantise unit vectors (n, dim) to packed codes, uint8 (n, params.code_bytes)."""
        return self._quantiser.pack(embedding)

    def unpack(self, codes: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Reconstruct unit vectors, float32 (n, dim), from packed codes (n, params.code_bytes)."""
        return self._quantiser.unpack(codes)

    def model_file(self, name: str) -> Path:
        """Path of a model file, after its digest was checked.

        Raises
        ------
        ModelDamaged
            If the file is missing, changed or not listed in ``model.json``.
        """
        path = self._folder / name
        stated = self._metadata["files"].get(name)
        if stated is None:
            raise ModelDamaged(path=name, reason=f"is not listed in the model.json of {self.scheme}")
        if not path.is_file():
            raise ModelDamaged(path=name, reason="is missing")
        if hashlib.sha256(path.read_bytes()).hexdigest() != stated:
            raise ModelDamaged(path=name, reason="does not have the digest that model.json states")
        return path


def name_scheme(params: Params, folder: Path) -> str:
    """Name of a scheme, such as 'ew1-3f9a0c', from a digest of its parameters and model files."""
    digest = hashlib.sha256(json.dumps(params.canonical(), sort_keys=True).encode())
    for name in (*NET_PARTS, "quantiser.npz"):
        digest.update((folder / name).read_bytes())
    return f"ew1-{digest.hexdigest()[:6]}"


def _read_metadata(folder: Path) -> dict[str, Any]:
    path = folder / "model.json"
    try:
        metadata: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelDamaged(path=path.name, reason=f"cannot be read ({error})") from error
    return metadata


def _folders() -> Iterator[Path]:
    """Folders of the shipped schemes, newest first."""
    yield MODELS
    yield from sorted(path.parent for path in MODELS.glob("*/model.json"))


def schemes() -> list[str]:
    """Names of the schemes that this program can make codes of, newest first."""
    return [_read_metadata(folder)["scheme"] for folder in _folders()]


@lru_cache(maxsize=4)
def extractor(scheme: str | None = None) -> Extractor:
    """The extractor of a scheme, loaded once; of the newest one by default.

    Raises
    ------
    SchemeMismatch
        If that scheme is not shipped.
    ModelDamaged
        If its model cannot be read.
    """
    for folder in _folders():
        if scheme is None or _read_metadata(folder)["scheme"] == scheme:
            return Extractor(folder)
    raise SchemeMismatch(index_scheme=scheme or "", query_scheme=" or ".join(schemes()))
