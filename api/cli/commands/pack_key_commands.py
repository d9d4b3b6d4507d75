"""``earwitness pack keys``: whose packs are accepted, and a key of one's own."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from earwitness.api.cli.command_guard import guarded
from earwitness.api.cli.examples import epilog
from earwitness.api.cli.json_output import Json, print_json, want_json
from earwitness.api.cli.options import Home, settings_of, to_stderr, to_stdout

Fingerprint = Annotated[str, typer.Argument(help="Fingerprint of the key", show_default=False)]


def list_keys(as_json: Json = False, home: Home = None) -> None:
    """List the keys whose packs are accepted."""
    from earwitness.api.packs.installed_packs import packs_folder
    from earwitness.api.packs.pack_keys import accepted_keys
    from earwitness.api.printable import shown

    want_json(as_json)
    keys = accepted_keys(packs_folder(settings_of(home)))
    for each in keys:
        to_stdout().print(f"{each.fingerprint}  {each.accepted_at}  {shown(each.owner)}".rstrip())
    if not keys:
        to_stdout().print("No key is accepted here.")
    if as_json:
        print_json("pack", keys=[asdict(each) for each in keys])


def accept(
    fingerprint: Fingerprint,
    owner: Annotated[str, typer.Option(help="Whose key it is, for the list")] = "",
    home: Home = None,
) -> None:
    """Accept packs that were signed with a key."""
    from earwitness.api.packs.installed_packs import packs_folder
    from earwitness.api.packs.pack_keys import accept_key

    accept_key(packs_folder(settings_of(home)), fingerprint, owner)
    to_stdout().print(f"Packs that were signed with {fingerprint} are accepted here.")


def forget(fingerprint: Fingerprint, home: Home = None) -> None:
    """Accept no more packs of a key; packs that were added stay."""
    from earwitness.api.packs.installed_packs import packs_folder
    from earwitness.api.packs.pack_keys import forget_key

    known = forget_key(packs_folder(settings_of(home)), fingerprint)
    to_stdout().print(
        f"{fingerprint} {'is' if known else 'was'} not accepted {'any more' if known else ''}".rstrip()
    )


def create(
    out: Annotated[Path, typer.Argument(help="Write the key here", show_default=False)], as_json: Json = False
) -> None:
    """Make a key of one's own to sign packs with."""
    from earwitness.api.packs.pack_signature import create_key

    want_json(as_json)
    fingerprint = create_key(out)
    to_stdout().print(fingerprint)
    to_stderr().print(
        f"{out} is your key: keep it to yourself, and keep a copy. Publish its fingerprint, the line above,"
        " where people know that you wrote it; they accept your packs by it.",
        soft_wrap=True,
    )
    if as_json:
        print_json("pack", fingerprint=fingerprint)


pack_keys = typer.Typer(no_args_is_help=True, help="Whose packs are accepted, and a key of one's own.")
for name, command in (("list", list_keys), ("accept", accept), ("forget", forget), ("create", create)):
    pack_keys.command(name=name, epilog=epilog(f"pack keys {name}"))(guarded(command))
