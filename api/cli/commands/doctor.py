"""``earwitness doctor`` and ``selftest``: is all here that is needed, and does it compute what it should?"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import typer

from earwitness.api.cli.json_output import Json, print_json, want_json
from earwitness.api.cli.options import Home, settings_of, to_stderr, to_stdout

if TYPE_CHECKING:
    from pathlib import Path

    from earwitness.api.settings import Settings

LOW_DISK_BYTES: Final = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """One thing that was looked at; `hint` is the way out where it is not well."""

    about: str
    said: str
    well: bool = True
    hint: str = ""


def doctor(as_json: Json = False, home: Home = None) -> None:
    """Look at sandbox, codecs, Chromaprint, model, kernels, disk and home. Exit status: 0 well, 1 not."""
    want_json(as_json)
    settings = settings_of(home)
    console, remarks = to_stdout(), list[Remark]()
    with to_stderr().status("Looking ..."):
        for look in (sandbox, codecs, chromaprint, model, kernels, disk, state):
            remarks += examined(look, settings)
    for remark in remarks:
        mark, style = ("ok", "green") if remark.well else ("!!", "bold red")
        console.print(
            f"{mark}  {remark.about:<12} {remark.said}",
            style=style if not remark.well else None,
            soft_wrap=True,
        )
        if remark.hint:
            console.print(f"    {'':<12} what to do: {remark.hint}", soft_wrap=True)
    well = all(remark.well for remark in remarks)
    if as_json:
        print_json("doctor", well=well, remarks=[asdict(remark) for remark in remarks])
    raise typer.Exit(int(not well))


def examined(look: Callable[[Settings], Iterator[Remark]], settings: Settings) -> list[Remark]:
    """Look at one thing; an error of ours is what is to be said about it."""
    from earwitness.api.cli.system_errors import explained

    try:
        return list(look(settings))
    except Exception as error:
        known = explained(error)
        if known is None:
            raise
        return [Remark(about=look.__name__, said=known.message, well=False, hint=known.hint)]


def sandbox(settings: Settings) -> Iterator[Remark]:
    """Try the decoder's sandbox from inside, and say what of it is missing."""
    from earwitness.fingerprint.decode import describe_sandbox

    report = describe_sandbox(settings.sandbox)
    stands = ["resource limits"]
    if report.calls_filtered:
        stands.append("the filter of system calls")
    if report.sandbox == "bwrap":
        stands.append("bubblewrap")
    denied = f"tried inside and denied: {', '.join(sorted(report.denied))}"
    yield Remark(about="sandbox", said=f"audio is decoded behind {_listed(stands)}; {denied}")
    if report.sandbox != "bwrap":
        asked = settings.sandbox == "rlimits"
        why = "EARWITNESS_SANDBOX=rlimits asks for that" if asked else report.reason
        yield Remark(
            about="sandbox",
            said=f"bubblewrap is not used ({why}): the decoder sees this account's files and processes, which"
            " only the filter of system calls keeps it from",
            well=asked,
            hint="" if asked else "apt-get install bubblewrap, or accept this: EARWITNESS_SANDBOX=rlimits",
        )
    if not report.calls_filtered:
        yield Remark(
            about="sandbox",
            said="system calls are not filtered: this machine's kernel or processor is none that we know",
            well=report.sandbox == "bwrap",
            hint="run on Linux on x86-64 or arm64, or keep bubblewrap installed",
        )
    if report.holes:
        hint = "install bubblewrap (apt-get install bubblewrap)"
        yield Remark(about="sandbox", said=f"not denied: {', '.join(report.holes)}", well=False, hint=hint)


def _listed(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def codecs(settings: Settings) -> Iterator[Remark]:
    """Decode a second of silence, and name the formats."""
    import io
    import wave

    from earwitness.fingerprint.decode import FORMATS, Decoder

    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(11_025)
        file.writeframes(bytes(22_050))
    with Decoder(limits=settings.decode_limits(), sandbox=settings.sandbox) as decoder:
        decoder.decode(sound.getvalue(), name="a second of silence")
    yield Remark(about="codecs", said=", ".join(FORMATS))


def chromaprint(_: Settings) -> Iterator[Remark]:
    """Find libchromaprint."""
    from earwitness.fingerprint.chromaprint import chromaprint_version

    yield Remark(about="Chromaprint", said=chromaprint_version())


def model(_: Settings) -> Iterator[Remark]:
    """Load the fingerprint's model, its files' digests checked."""
    from earwitness.fingerprint.extract import extractor

    newest = extractor()
    for name in newest.files:
        newest.model_file(name)
    yield Remark(about="model", said=f"scheme {newest.scheme}, {1 / newest.params.hop_s:.2f} codes a second")


def kernels(_: Settings) -> Iterator[Remark]:
    """Say whether kernels are compiled."""
    from earwitness.api.cli.kernel_warmup import compiled_marker

    compiled = compiled_marker().exists()
    yield Remark(
        about="kernels", said="compiled" if compiled else "not compiled yet: the first run will, once"
    )


def disk(settings: Settings) -> Iterator[Remark]:
    """Measure the room at the home."""
    free = shutil.disk_usage(existing(settings.home)).free
    well = free >= LOW_DISK_BYTES
    hint = "" if well else "free some space, or choose another --home"
    yield Remark(about="disk", said=f"{free / 1e9:,.1f} GB free at {settings.home}", well=well, hint=hint)


def existing(path: Path) -> Path:
    """Return the nearest folder above that exists."""
    return next(each for each in (path, *path.parents) if each.is_dir())


def state(settings: Settings) -> Iterator[Remark]:
    """Open the home, if there is one."""
    from earwitness.api.pipeline.searched_collections import open_library
    from earwitness.index.store.store_errors import HomeMissing

    try:
        with open_library(settings) as library:
            items = sum(each.n_items for each in library.collections)
            many = f"{len(library.collections)} collections, {items:,} items"
            said = f"epoch {library.epoch}, {many}, {library.scheme}"
            unfinished = [each.name for each in library.collections if not each.complete]
    except HomeMissing:
        yield Remark(about="home", said=f"nothing is stored in {settings.home} yet")
        return
    yield Remark(about="home", said=said)
    if unfinished:
        yield Remark(
            about="home", said=f"indexing was cut off: {', '.join(unfinished)}; index again to go on"
        )


def selftest(as_json: Json = False) -> None:
    """Compute the conformance vectors: codes made here must be those made elsewhere. Status 1: not so."""
    from earwitness.api.cli.kernel_warmup import make_warm
    from earwitness.fingerprint.conformance import MIN_COSINE, MIN_EQUAL_PEAKS, check
    from earwitness.fingerprint.extract import extractor

    want_json(as_json)
    make_warm(to_stderr())
    found = check(extractor())
    said = (
        "This machine computes the same fingerprints"
        if found.ok
        else "This machine computes OTHER fingerprints"
    )
    to_stdout().print(
        f"{said} ({found.scheme}: worst cosine {found.worst_cosine:.6f}, at least {MIN_COSINE} is needed;"
        f" {found.equal_bytes * 100:.2f} % of the stored bytes equal;"
        f" {found.equal_peaks * 100:.0f} % of the peaks, at least {MIN_EQUAL_PEAKS * 100:.0f} % are needed).",
        soft_wrap=True,
    )
    if as_json:
        print_json(
            "selftest",
            ok=found.ok,
            scheme=found.scheme,
            worst_cosine=round(float(found.worst_cosine), 6),
            equal_bytes=round(float(found.equal_bytes), 4),
            equal_peaks=round(float(found.equal_peaks), 4),
        )
    raise typer.Exit(int(not found.ok))
