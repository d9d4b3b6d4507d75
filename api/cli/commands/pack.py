"""``earwitness pack``: hand on what is known of a dataset as one file, without its audio."""

from __future__ import annotations

from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import typer

from earwitness.api.cli.command_guard import guarded
from earwitness.api.cli.examples import epilog
from earwitness.api.cli.json_output import Json, print_json, want_json
from earwitness.api.cli.options import Home, settings_of, to_stderr, to_stdout
from earwitness.api.cli.output_files import Force, prepared_outputs

if TYPE_CHECKING:
    from earwitness.api.packs.pack_manifest import PackManifest


class PackPart(StrEnum):
    """What a pack can be made without."""

    FILES = "files"
    SOUND = "sound"
    NAMES = "names"


PackFile = Annotated[Path, typer.Argument(help="The pack", show_default=False)]


def make(
    dataset: Annotated[
        str, typer.Argument(help="Indexed dataset (NAME or NAME:VERSION)", show_default=False)
    ],
    out: Annotated[Path, typer.Option(help="Write the pack here", show_default=False)],
    key: Annotated[
        Path | None, typer.Option(help="Sign it with this key (see `earwitness pack keys create`)")
    ] = None,
    without: Annotated[
        list[PackPart] | None,
        typer.Option(help="Leave out digests of files, fingerprints, or names and metadata; repeatable"),
    ] = None,
    card: Annotated[Path | None, typer.Option(help="Card of the dataset (JSON)")] = None,
    force: Force = False,
    as_json: Json = False,
    home: Home = None,
) -> None:
    """Make a pack of an indexed dataset."""
    from earwitness.api.packs.make_pack import dataset_to_pack, make_pack
    from earwitness.api.packs.pack_signature import read_key

    want_json(as_json)
    settings = settings_of(home)
    signing_key = None if key is None else read_key(key)
    stored = dataset_to_pack(settings, dataset)
    with prepared_outputs({"out": out}, force=force, stdout_in_use=as_json) as targets:
        target = targets["out"]
        assert target is not None  # it was given
        made = make_pack(
            settings,
            stored,
            target.path,
            key=signing_key,
            without=without or (),
            card=None if card is None else read_card(card),
        )
    to_stderr().print(made.warning, soft_wrap=True)
    signed = "nobody signed it" if made.signer is None else f"signed with the key {made.signer}"
    to_stdout().print(f"{out}: {contents_words(made.manifest)}; {made.size_bytes:,} bytes; {signed}.")
    if as_json:
        print_json("pack", **pack_json(made.manifest, made.signer), size_bytes=made.size_bytes)


def read_card(path: Path) -> bytes:
    """Read a card that the user gives; a file that is no card is refused."""
    import json

    from earwitness.api.shelf.dataset_cards import card_of

    try:
        text = path.read_bytes()
        card_of(json.loads(text))
    except OSError as error:
        raise typer.BadParameter(f"{path}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise typer.BadParameter(f"{path} is no card: {error}") from None
    return text


def verify(pack: PackFile, as_json: Json = False, home: Home = None) -> None:
    """Verify every byte of a pack, its tables and its signature, and add nothing."""
    from earwitness.api.packs.verify_pack import verify_pack

    want_json(as_json)
    verified = verify_pack(pack, settings_of(home))
    signed = "nobody signed it" if verified.signer is None else f"signed with the key {verified.signer}"
    accepted = ", which is accepted here" if verified.accepted else ""
    to_stdout().print(f"{pack} is intact: {contents_words(verified.manifest)}; {signed}{accepted}.")
    if as_json:
        print_json("pack", **pack_json(verified.manifest, verified.signer), accepted=verified.accepted)


def show(pack: PackFile, as_json: Json = False, home: Home = None) -> None:
    """Show what a pack is of: its card, its parts, how it was made."""
    from earwitness.api.packs.read_pack import opened_pack
    from earwitness.api.printable import shown
    from earwitness.api.shelf.shelf_listing import contact_line, statement_lines

    want_json(as_json)
    with opened_pack(pack, settings_of(home)) as opened:
        manifest, signer, card = opened.manifest, opened.signer, opened.card
    if as_json:
        print_json("pack", **pack_json(manifest, signer))
        return
    lines = [
        f"{manifest.name} version {manifest.version}: {contents_words(manifest)}",
        f"indexed {manifest.indexed_at}, made {manifest.made_at} with {manifest.made_with}",
        "nobody signed it" if signer is None else f"signed with the key {signer}",
        *([] if manifest.complete else ["the dataset had not been indexed to its end"]),
        f"card: {card.name} ({card.id})",
        *(f"  {line}" for line in statement_lines(card)),
        *(f"  {contact_line(each)}" for each in card.contact),
    ]
    for line in lines:
        to_stdout().print(shown(line), soft_wrap=True)


def add(
    pack: Annotated[str, typer.Argument(help="The pack, or its address (https://...)", show_default=False)],
    unsigned: Annotated[bool, typer.Option("--unsigned", help="Accept a pack that nobody signed")] = False,
    without_sound: Annotated[
        bool, typer.Option("--without-sound", help="Leave out the fingerprints")
    ] = False,
    as_json: Json = False,
    home: Home = None,
) -> None:
    """Verify a pack and add it to the home, as a whole or not at all."""
    from earwitness.api.cli.progress import working
    from earwitness.api.cli.watching.new_notices import last_notice, settle_and_report
    from earwitness.api.datasets.names import label
    from earwitness.api.packs.add_pack import add_pack
    from earwitness.api.packs.download_pack import downloaded_pack, is_address

    want_json(as_json)
    settings = settings_of(home)
    since = last_notice(settings)
    with ExitStack() as stack:
        source: Path | BinaryIO = Path(pack)
        if is_address(pack):
            with working(to_stderr(), "Downloading"):
                source = stack.enter_context(downloaded_pack(pack, settings))
        added = add_pack(
            source, settings, unsigned=unsigned, with_sound=not without_sound, shown_as=label(pack)
        )
    manifest = added.pack.manifest
    outcome = "is here already" if added.already else "was added"
    to_stdout().print(f"{manifest.name}:{manifest.version} {outcome}: {contents_words(manifest)}.")
    notices = settle_and_report(settings, since)
    if as_json:
        fields = {**pack_json(manifest, added.pack.signer), "already": added.already}
        print_json("pack", **fields, **({"notices": notices} if notices else {}))


def remove(
    name: Annotated[str, typer.Argument(help="Dataset (NAME or NAME:VERSION)", show_default=False)],
    as_json: Json = False,
    home: Home = None,
) -> None:
    """Remove what a pack brought; later searches do not find it any more."""
    from earwitness.api.packs.add_pack import remove_pack

    want_json(as_json)
    removed = remove_pack(name, settings_of(home))
    for each in removed.names:
        to_stdout().print(f"Removed {each}.")
    for each in removed.stays:
        to_stderr().print(
            f"The sound of {each} stays, as a dataset; before the pack is added again with its sound,"
            f" `earwitness remove {each}`.",
            soft_wrap=True,
        )
    if as_json:
        print_json("pack", removed=removed.names, stays=removed.stays)


def contents_words(manifest: PackManifest) -> str:
    """Return what a pack carries as a phrase."""
    from earwitness.api.sentences import count

    parts = []
    if (files := manifest.parts.get("files.parquet")) is not None:
        parts.append(f"digests of {count(files.rows, 'file')}")
    if (names := manifest.parts.get("names.parquet")) is not None:
        parts.append(f"names of {count(names.rows, 'entry', 'entries')}")
    if (sound := manifest.parts.get("sound.parquet")) is not None:
        parts.append(f"fingerprints of {count(sound.rows, 'item')} (scheme {manifest.scheme})")
    return ", ".join(parts)


def pack_json(manifest: PackManifest, signer: str | None) -> dict[str, Any]:
    """Return a manifest for ``--json``."""
    from dataclasses import asdict

    return {**asdict(manifest), "signer": signer}


pack = typer.Typer(no_args_is_help=True, help="Hand on what is known of a dataset, without its audio.")
for command in (make, verify, show, add, remove):
    pack.command(epilog=epilog(f"pack {command.__name__}"))(guarded(command))
