"""All fits, in order of dependence: each uses the numbers of those before it.

To add one: write a module with a function from `FitRun` to new values of fields of `Calibration`, give the
fields starting values in `START`, and add a `Fit` here, after the fits whose numbers it uses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Final

import numpy as np

from benchmarks.fit import agreement, drift, e_values, margins, overlaid, pooled_null, step_scores
from benchmarks.fit.fit_run import FitRun
from benchmarks.fit.lists import ALL_MUSIC, VALIDATION_MUSIC, VALIDATION_SOUND, VALIDATION_SPEECH, AudioList
from earwitness.index.statistics.calibration import Calibration


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A number that stays as it is although the fit gives another, and the reason."""

    value: Any
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """One fit.

    Attributes
    ----------
    fields : tuple of str
        Fields of `Calibration` that `fit` returns values of.
    queries : AudioList
        What queries are cut from.
    n_queries : int
        Number of queries at the size at which numbers are shipped.
    degraded : bool
        Whether queries are degraded with recorded noises, rooms and other audio.
    kept : mapping of str to Kept
        By field: numbers that are not replaced by the fitted ones.
    """

    name: str
    about: str
    fields: tuple[str, ...]
    queries: AudioList
    n_queries: int
    fit: Callable[[FitRun], Mapping[str, Any]]
    degraded: bool = False
    kept: Mapping[str, Kept] = field(default_factory=dict)


START: Final = Calibration(
    table=np.zeros(step_scores.N_LEVELS, dtype=np.float32),
    z_low=step_scores.Z_LOW,
    z_high=step_scores.Z_HIGH,
    drift_cost=0.0,
    prior_rate=0.25,
    prior_rate_rows=10.0,
    prior_log_count=-8.0,
    prior_weight=10.0,
    codes_slope=0.6,
    calibration_offset=0.0,
    calibration_slope=1.0,
    related_offset=0.0,
    related_slope=1.0,
    spoken_offset=0.0,
    spoken_slope=0.4,
    checked_to=0.0,
    agreements=(0.0, 1.0),
    agreement_log_p=(0.0, -1.0),
    agreement_rate=1.0,
    pooled_margin=6.0,
    prefilter_margin=6.0,
    rough_margin=6.0,
    overlaid_similarity=0.8,
)
"""Values from which fits start, so that their result does not depend on an earlier one.

Slopes begin near the result, so that claimed E-values cover the rates that can be observed; margins are
larger than the result.
"""

RELATED_KEPT: Final = (
    "Judged on the side `fit` of `benchmarks kinds` and on validation music: the fitted slope takes true"
    " matches of 3 s from voices, pianos and chips, and the count of near recordings makes up for most of"
    " what the kept one lets through. Slopes from 0.6 to 0.85 were compared."
)

MARGINS_KEPT: Final = (
    "Chosen by hand on 3,286 alignments. Validation music needs less, but the pooled model knows nothing of"
    " the query's own sounds, and speech and made sounds differ from music."
)

PREFILTER_KEPT: Final = (
    "Chosen by hand. A larger margin keeps more right matches and searches more absent items in full; no run"
    " has measured yet how many."
)

FITS: Final = (
    Fit(
        name="step-scores",
        about="scores of alignment steps",
        fields=("table", "z_low", "z_high"),
        queries=VALIDATION_MUSIC,
        n_queries=25 * len(step_scores.SAME_TIME),
        fit=step_scores.fit,
        degraded=True,
    ),
    Fit(
        name="drift",
        about="cost of a step that drifts",
        fields=("drift_cost",),
        queries=VALIDATION_MUSIC,
        n_queries=300,
        fit=drift.fit,
    ),
    Fit(
        name="pooled-null",
        about="chance scores of all queries together",
        fields=("prior_rate", "prior_rate_rows", "prior_log_count", "prior_weight"),
        queries=VALIDATION_MUSIC,
        n_queries=1200,
        fit=pooled_null.fit,
    ),
    Fit(
        name="agreement",
        about="agreement with spectral peaks by chance",
        fields=("agreements", "agreement_log_p", "agreement_rate"),
        queries=ALL_MUSIC,
        n_queries=4000,
        fit=agreement.fit,
    ),
    Fit(
        name="codes",
        about="slope of the E-values of codes alone",
        fields=("codes_slope",),
        queries=VALIDATION_MUSIC,
        n_queries=5000,
        fit=e_values.fit_codes,
    ),
    Fit(
        name="music",
        about="correction of the E-values of music",
        fields=("calibration_offset", "calibration_slope", "checked_to"),
        queries=VALIDATION_MUSIC,
        n_queries=20_000,
        fit=e_values.fit_music,
    ),
    Fit(
        name="related",
        about="correction of E-values that rest on related recordings",
        fields=("related_offset", "related_slope"),
        queries=VALIDATION_SOUND,
        n_queries=6000,
        fit=e_values.fit_related,
        kept={
            "related_offset": Kept(value=0.0, reason=RELATED_KEPT),
            "related_slope": Kept(value=0.85, reason=RELATED_KEPT),
        },
    ),
    Fit(
        name="speech",
        about="correction of the E-values of spoken word",
        fields=("spoken_offset", "spoken_slope"),
        queries=VALIDATION_SPEECH,
        n_queries=1000,
        fit=e_values.fit_speech,
    ),
    Fit(
        name="margins",
        about="margins of the cheap null models",
        fields=("pooled_margin", "rough_margin", "prefilter_margin"),
        queries=VALIDATION_MUSIC,
        n_queries=1150,
        fit=margins.fit,
        degraded=True,
        kept={
            "pooled_margin": Kept(value=4.7, reason=MARGINS_KEPT),
            "rough_margin": Kept(value=3.5, reason=MARGINS_KEPT),
            "prefilter_margin": Kept(value=4.2, reason=PREFILTER_KEPT),
        },
    ),
    Fit(
        name="overlaid",
        about="similarity below which an excerpt is under other audio",
        fields=("overlaid_similarity",),
        queries=VALIDATION_MUSIC,
        n_queries=300,
        fit=overlaid.fit,
        degraded=True,
    ),
)

FIELDS: Final = tuple(one.name for one in fields(Calibration))
"""All fields of a calibration; each is fitted by one fit."""


def start_for(position: int, calibration: Calibration) -> Calibration:
    """Return a calibration with the numbers of the first `position` fits; others have starting values."""
    fitted = {name for fit in FITS[:position] for name in fit.fields}
    return Calibration(**{name: getattr(calibration if name in fitted else START, name) for name in FIELDS})
