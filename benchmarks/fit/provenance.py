"""What the shipped numbers were fitted on: ``calibration_fits.json``, beside ``calibration.json``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.fit.lists import DEGRADING, REFERENCES
from benchmarks.fit.registry import Fit
from earwitness.fingerprint.extract import MODELS, extractor
from earwitness.index.statistics.calibration import CALIBRATION_FILE, Calibration, write_calibration
from earwitness.index.statistics.scheme_files import calibration_of

FITS_FILE: Final = "calibration_fits.json"

LEAST_SIZES: Final = {"_offset": 1.0, "_margin": 10.0}
"""Nats that numbers with these endings count as having at least, where they are compared: an offset may be
near 0, and a margin is rounded to 0.1."""
TOLERANCE: Final = 0.01
"""Largest difference of a number that was fitted again, relative to the largest magnitude of its field, or to
its `LEAST_SIZES`. On one machine the numbers are equal. Other processors round embeddings
otherwise in the last bits, and so count a few alignments more or less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """Result of one fit.

    Attributes
    ----------
    values : mapping of str to number, tuple or array
        What the fit gave, by field; kept numbers included.
    """

    fit: Fit
    values: Mapping[str, Any]
    n_queries: int
    seed: int

    @property
    def shipped(self) -> dict[str, Any]:
        """The values, with kept numbers in place of those that the fit gave."""
        return {**self.values, **{name: kept.value for name, kept in self.fit.kept.items()}}

    def describe(self, corpus: Path) -> dict[str, Any]:
        """Return what the numbers were fitted on, when, and which were kept and why."""
        lists = [self.fit.queries, REFERENCES, *([DEGRADING] if self.fit.degraded else [])]
        return {
            "fields": list(self.fit.fields),
            "date": datetime.now(UTC).date().isoformat(),
            "seed": self.seed,
            "queries": self.n_queries,
            "lists": [one.identity(corpus) for one in lists],
            "kept": {
                name: {"fitted": as_json(self.values[name]), "reason": kept.reason}
                for name, kept in self.fit.kept.items()
            },
        }

    def rows(self, corpus: Path) -> list[dict[str, Any]]:
        """Return the fitted numbers for a record, one row for each field."""
        fitted_on = self.fit.queries.identity(corpus)
        return [
            {
                "fit": self.fit.name,
                "queries": self.n_queries,
                "fitted_on": f"{fitted_on['name']} ({fitted_on['files']} files, {fitted_on['sha256'][:12]})",
                "number": name,
                "fitted": as_json(self.values[name]),
            }
            for name in self.fit.fields
        ]


def as_json(value: Any) -> Any:
    """Return a value as JSON can hold it."""
    return value.tolist() if isinstance(value, np.ndarray) else value


def read_fits(folder: Path = MODELS) -> dict[str, Any]:
    """Read what the shipped numbers were fitted on, by name of the fit; empty where nothing is known."""
    path = folder / FITS_FILE
    return dict(json.loads(path.read_text(encoding="utf-8"))["fits"]) if path.exists() else {}


def write_fits(calibration: Calibration, results: Mapping[str, Any], folder: Path = MODELS) -> None:
    """Replace the calibration of the newest scheme, its digest on the card, and what it was fitted on.

    Parameters
    ----------
    results
        `Fitted.describe` of the fits that were run; what is known of the others is left.
    """
    path, card = folder / CALIBRATION_FILE, folder / "model.json"
    write_calibration(path, calibration)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    values = json.loads(card.read_text(encoding="utf-8"))
    values["files"][CALIBRATION_FILE] = digest
    _write_json(card, values)
    fits = {**read_fits(folder), **results}
    _write_json(folder / FITS_FILE, {"scheme": values["scheme"], "calibration_sha256": digest, "fits": fits})
    extractor.cache_clear()
    calibration_of.cache_clear()


def _write_json(path: Path, values: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=1) + "\n", encoding="utf-8")


def differences(result: Fitted, calibration: Calibration, stated: Mapping[str, Any]) -> list[str]:
    """Return how a fit that was run again differs from the shipped numbers, one line for each difference.

    Parameters
    ----------
    stated
        What is known of the shipped fit (`read_fits`).
    """
    lines = []
    for name in result.fit.fields:
        kept = stated.get("kept", {}).get(name)
        before = getattr(calibration, name) if kept is None else kept["fitted"]
        if not is_close(name, result.values[name], before):
            lines.append(
                f"{result.fit.name}: {name} was {shorten(before)}, now {shorten(result.values[name])}"
            )
        if name in result.fit.kept and not is_close(
            name, result.fit.kept[name].value, getattr(calibration, name)
        ):
            lines.append(f"{result.fit.name}: {name} is not the number that is kept")
    return lines


def is_close(name: str, now: Any, before: Any) -> bool:
    """Return whether two values of a field differ by `TOLERANCE` at most."""
    old, new = np.atleast_1d(before), np.atleast_1d(now)
    if old.shape != new.shape:
        return False
    least = next((size for ending, size in LEAST_SIZES.items() if name.endswith(ending)), 0.0)
    scale = max(float(np.abs(old).max()), least)
    return bool(np.abs(old - new).max() <= 1.001 * TOLERANCE * scale)


def shorten(value: Any) -> str:
    """Return a value for people: a number, or how many and from where to where."""
    if np.ndim(value) == 0:
        return f"{value:g}"
    return f"{np.shape(value)[0]} numbers from {np.min(value):g} to {np.max(value):g}"
