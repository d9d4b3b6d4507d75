"""The figure of a match on the page of an answer, drawn when it is looked at."""

from __future__ import annotations

import base64
import threading
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Final

from earwitness.api.answers.dataset_card import Picture
from earwitness.api.answers.messages import Messages, messages
from earwitness.api.evidence.picture_types import MatchPicture, Stretch
from earwitness.api.evidence.pictures_json import read_pictures
from earwitness.fingerprint.params import PARAMS

FIGURES_HELD: Final = 64
_DRAWING: Final = threading.Lock()
"""Held while a figure is drawn: matplotlib's settings are those of the process."""


def match_figure(path: Path, number: int, language: str) -> bytes | None:
    """Return the PNG of a match, by its place in the finding; None where nothing is kept of it."""
    return _drawn(path, path.stat().st_mtime_ns, number, language) if path.exists() else None


@lru_cache(maxsize=FIGURES_HELD)
def _drawn(path: Path, _changed_ns: int, number: int, language: str) -> bytes | None:
    picture = read_pictures(path).get(number)
    return None if picture is None else draw_match(picture, language)


def pictures_of(path: Path, job: str, t: Messages) -> Mapping[int, Picture]:
    """Return the figures of a job's answer, by the place of their match in the finding."""
    return {
        number: picture_of(each, f"/jobs/{job}/pictures/{number}", t)
        for number, each in read_pictures(path).items()
    }


def embedded_pictures(pictures: Mapping[int, MatchPicture], t: Messages) -> Mapping[int, Picture]:
    """Draw pictures, each into an address that holds the PNG itself."""
    return {
        number: picture_of(each, png_url(draw_match(each, t.language)), t)
        for number, each in pictures.items()
    }


def picture_of(kept: MatchPicture, address: str, t: Messages) -> Picture:
    """Return the figure at an address, with its words."""
    yours, theirs = (
        t("span", start=t.clock(each.start_s), end=t.clock(each.end_s)) for each in (kept.yours, kept.theirs)
    )
    is_peaks = kept.theirs.spectrogram is None
    return Picture(
        number=kept.number,
        address=address,
        text=t("picture.text.peaks" if is_peaks else "picture.text", yours=yours, theirs=theirs),
        about=t("picture.about.peaks" if is_peaks else "picture.about"),
    )


def draw_match(picture: MatchPicture, language: str) -> bytes:
    """Draw a match as a PNG, with words of a language."""
    from earwitness.api.evidence.spectrogram_figure import Panel, draw_pair  # loads matplotlib

    def panel(stretch: Stretch, name: str) -> Panel:
        return Panel(
            name=name,
            thumbnail=stretch.spectrogram,
            start_s=stretch.start_s,
            end_s=stretch.end_s,
            first_s=stretch.first_s,
            peaks=stretch.peaks,
        )

    t = messages(language)
    params = replace(
        PARAMS,
        low_hz=picture.low_hz,
        bands_per_octave=picture.bands_per_octave,
        n_bands=picture.n_bands,
    )
    yours = panel(picture.yours, t("card.yours"))
    is_peaks = picture.theirs.spectrogram is None
    theirs = panel(picture.theirs, t("picture.their_peaks") if is_peaks else t("card.theirs"))
    with _DRAWING:
        return draw_pair(yours, theirs, params, time_label=t("picture.time"))


def png_url(png: bytes) -> str:
    """Return a URL that contains the bytes of a PNG."""
    return "data:image/png;base64," + base64.b64encode(png).decode()
