"""``earwitness doctor`` and ``selftest``: check the installation and the computed fingerprints."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import typer

from earwitness.api.cli.json_output import Json, print_json, want_json
from earwitness.api.cli.options import Home, settings_of, to_stderr, to_stdout

if TYPE_CHECKING:
    from pathlib import Path

    from earwitness.api.settings import Settings

LOW_DISK_BYTES: Final = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """The result of one check; `hint` is what to do where it is not well."""

    about: str
    text: str
    well: bool = True
    hint: str = ""

    def json(self) -> dict[str, Any]:
        """Return it for ``--json``."""
        return {"about": self.about, "said": self.text, "well": self.well, "hint": self.hint}


def doctor(as_json: Json = False, home: Home = None) -> None:
    """Check sandbox, codecs, Chromaprint, model, kernels, disk and home. Exit status: 0 all well, 1 not."""
    want_json(as_json)
    settings = settings_of(home)
    console, remarks = to_stdout(), list[Remark]()
    with to_stderr().status("Checking ..."):
        for check in (sandbox, codecs, chromaprint, model, kernels, disk, state):
            remarks += checked(check, settings)
    for remark in remarks:
        mark, style = ("ok", "green") if remark.well else ("!!", "bold red")
        console.print(
            f"{mark}  {remark.about:<12} {remark.text}",
            style=style if not remark.well else None,
            soft_wrap=True,
        )
        if remark.hint:
            console.print(f"    {'':<12} what to do: {remark.hint}", soft_wrap=True)
    well = all(remark.well for remark in remarks)
    if as_json:
        print_json("doctor", well=well, remarks=[remark.json() for remark in remarks])
    raise typer.Exit(int(not well))


def checked(check: Callable[[Settings], Iterator[Remark]], settings: Settings) -> list[Remark]:
    """Run one check; an error that has an explanation becomes its remark."""
    from earwitness.api.cli.system_errors import explained

    try:
        return list(check(settings))
    except Exception as error:
        known = explained(error)
        if known is None:
            raise
        return [Remark(about=check.__name__, text=known.message, well=False, hint=known.hint)]


def sandbox(settings: Settings) -> Iterator[Remark]:
    """Test the decoder's sandbox from inside, and report what is missing."""
    from earwitness.fingerprint.decode import describe_sandbox

    report = describe_sandbox(settings.sandbox)
    layers = ["resource limits"]
    if report.calls_filtered:
        layers.append("the system call filter")
    if report.sandbox == "bwrap":
        layers.append("bubblewrap")
    denied = f"tried inside and denied: {', '.join(sorted(report.denied))}"
    yield Remark(about="sandbox", text=f"audio is decoded behind {_joined(layers)}; {denied}")
    if report.sandbox != "bwrap":
        accepted = settings.sandbox == "rlimits"
        why = "EARWITNESS_SANDBOX=rlimits is set" if accepted else report.reason
        yield Remark(
            about="sandbox",
            text=f"bubblewrap is not used ({why}): only the system call filter keeps the decoder from this"
            " account's files and processes",
            well=accepted,
            hint="" if accepted else f"{_bubblewrap_hint()}, or accept this: EARWITNESS_SANDBOX=rlimits",
        )
    if not report.calls_filtered:
        yield Remark(
            about="sandbox",
            text="system calls are not filtered: this kernel or processor is not supported by the filter",
            well=report.sandbox == "bwrap",
            hint="run on Linux on x86-64 or arm64, or keep bubblewrap installed",
        )
    if report.holes:
        hint = "install bubblewrap (apt-get install bubblewrap)"
        yield Remark(about="sandbox", text=f"not denied: {', '.join(report.holes)}", well=False, hint=hint)


def _bubblewrap_hint() -> str:
    """Say what makes bubblewrap work: its package, or where that is installed, namespaces for it."""
    if shutil.which("bwrap") is None:
        return "apt-get install bubblewrap"
    return "allow this account user namespaces (docs/guide-deploy.md says how in a container)"


def _joined(parts: list[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def codecs(settings: Settings) -> Iterator[Remark]:
    """Decode a second of silence, and list the formats."""
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
    yield Remark(about="codecs", text=", ".join(FORMATS))


def chromaprint(_: Settings) -> Iterator[Remark]:
    """Load libchromaprint."""
    from earwitness.fingerprint.chromaprint import chromaprint_version

    yield Remark(about="Chromaprint", text=chromaprint_version())


def model(_: Settings) -> Iterator[Remark]:
    """Load the fingerprint's model, and check the digests of its files."""
    from earwitness.fingerprint.extract import extractor

    newest = extractor()
    for name in newest.files:
        newest.model_file(name)
    yield Remark(about="model", text=f"scheme {newest.scheme}, {1 / newest.params.hop_s:.2f} codes a second")


def kernels(_: Settings) -> Iterator[Remark]:
    """Report whether kernels are compiled."""
    from earwitness.api.cli.kernel_warmup import compiled_marker, numba_compiles

    if not numba_compiles():
        text = "compiled ahead"
    elif compiled_marker().exists():
        text = "compiled"
    else:
        text = "not compiled yet: the first run compiles them"
    yield Remark(about="kernels", text=text)


def disk(settings: Settings) -> Iterator[Remark]:
    """Measure the free disk space of the home."""
    free = shutil.disk_usage(existing(settings.home)).free
    well = free >= LOW_DISK_BYTES
    hint = "" if well else "free some space, or choose another --home"
    yield Remark(about="disk", text=f"{free / 1e9:,.1f} GB free at {settings.home}", well=well, hint=hint)


def existing(path: Path) -> Path:
    """Return the path, or else its nearest parent, that is an existing folder."""
    return next(each for each in (path, *path.parents) if each.is_dir())


def state(settings: Settings) -> Iterator[Remark]:
    """Open the home, if it exists."""
    from earwitness.api.pipeline.searched_collections import open_library, slow_scan_note, works_of
    from earwitness.index.store.store_errors import HomeMissing

    try:
        with open_library(settings) as library:
            items = sum(each.n_items for each in library.collections)
            counts = f"{len(library.collections)} collections, {items:,} items"
            text = f"epoch {library.epoch}, {counts}, {library.scheme}"
            unfinished = [each.name for each in library.collections if not each.complete]
            works = works_of(library.collections)
    except HomeMissing:
        yield Remark(about="home", text=f"nothing is stored in {settings.home} yet")
        return
    yield Remark(about="home", text=text)
    slow = slow_scan_note(settings, works)
    if slow:
        yield Remark(about="home", text=slow)
    if unfinished:
        names = ", ".join(unfinished)
        yield Remark(about="home", text=f"indexing was interrupted: {names}; index again to complete it")


def selftest(as_json: Json = False) -> None:
    """Compute the conformance vectors and compare them with the shipped ones. Exit status: 0 equal, 1 not."""
    from earwitness.api.cli.kernel_warmup import compile_kernels
    from earwitness.fingerprint.conformance import MIN_COSINE, MIN_EQUAL_PEAKS, check
    from earwitness.fingerprint.extract import extractor

    want_json(as_json)
    compile_kernels(to_stderr())
    report = check(extractor())
    which = "the same" if report.ok else "OTHER"
    to_stdout().print(
        f"This machine computes {which} fingerprints"
        f" ({report.scheme}: worst cosine {report.worst_cosine:.6f}, at least {MIN_COSINE} is needed;"
        f" {report.equal_bytes * 100:.2f} % of the stored bytes equal;"
        f" {report.equal_peaks * 100:.0f} % of the peaks, at least {MIN_EQUAL_PEAKS * 100:.0f} % needed).",
        soft_wrap=True,
    )
    if as_json:
        print_json(
            "selftest",
            ok=report.ok,
            scheme=report.scheme,
            worst_cosine=round(float(report.worst_cosine), 6),
            equal_bytes=round(float(report.equal_bytes), 4),
            equal_peaks=round(float(report.equal_peaks), 4),
        )
    raise typer.Exit(int(not report.ok))
