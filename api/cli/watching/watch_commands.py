"""``earwitness watch``: have a notice when a dataset that is indexed or added holds a work."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from earwitness.api.cli.command_guard import guarded
from earwitness.api.cli.examples import epilog
from earwitness.api.cli.json_output import Json, print_json, want_json
from earwitness.api.cli.options import Home, settings_of, to_stderr, to_stdout
from earwitness.api.cli.output_files import Force, prepared_outputs
from earwitness.api.cli.watching.new_notices import (
    deliver,
    last_notice,
    opened_notices,
    report_notices,
    show_notices,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from earwitness.index.database.records import ItemRow
    from earwitness.index.notices.notice_records import Watch, Webhook

Works = Annotated[
    list[str] | None,
    typer.Argument(metavar="WORK...", help="Works by their file, SHA-256 or number", show_default=False),
]
All = Annotated[bool, typer.Option("--all", help="All registered works")]


def add(works: Works = None, all_works: All = False, as_json: Json = False, home: Home = None) -> None:
    """Watch registered works: each dataset that is indexed or added from now on is asked about them."""
    from earwitness.api.sentences import count
    from earwitness.api.watch.watching import begin_watch
    from earwitness.index.writer import Writer

    want_json(as_json)
    settings, since = settings_of(home), last_notice(settings_of(home))
    with Writer.open(settings.home_address) as writer:
        rows = _named(writer, works, all_works)
        new = begin_watch(writer, settings, [row.id for row in rows])
    already = len(rows) - len(new)
    before = f" ({already:,} watched already)" if already else ""
    to_stdout().print(f"{count(len(new), 'work')} watched from now on{before}.")
    to_stderr().print("What is indexed already is not asked: `earwitness check FILE` does.", soft_wrap=True)
    report_notices(settings, since)
    if as_json:
        print_json("watch", works=[row.id for row in rows], new=new)


def stop(works: Works = None, all_works: All = False, as_json: Json = False, home: Home = None) -> None:
    """Do not watch works any more; their notices stay until the work is removed."""
    from earwitness.api.sentences import count
    from earwitness.api.watch.watching import end_watch
    from earwitness.index.writer import Writer

    want_json(as_json)
    with Writer.open(settings_of(home).home_address) as writer:
        n_ended = end_watch(writer, [row.id for row in _named(writer, works, all_works)])
    to_stdout().print(f"{count(n_ended, 'work')} no longer watched.")
    if as_json:
        print_json("watch", ended=n_ended)


def _named(writer: Any, works: Sequence[str] | None, all_works: bool) -> list[ItemRow]:
    from earwitness.api.watch.watch_errors import NothingToWatch
    from earwitness.api.watch.watching import works_named

    if not works and not all_works:
        raise NothingToWatch
    rows: list[ItemRow] = works_named(writer, [] if all_works else list(works or ()))
    return rows


def list_(
    all_works: Annotated[bool, typer.Option("--all", help="Also works that are not watched")] = False,
    as_json: Json = False,
    home: Home = None,
) -> None:
    """List the works that are watched, with their numbers."""
    from earwitness.api.sentences import count
    from earwitness.api.watch.watching import watched_works, works_named
    from earwitness.index.writer import Writer

    want_json(as_json)
    with Writer.open(settings_of(home).home_address) as writer:
        watched = {row.id: watch for row, watch in watched_works(writer)}
        rows = [row for row in works_named(writer, []) if all_works or row.id in watched]
    for row in rows:
        to_stdout().print(_line(row, watched.get(row.id)), soft_wrap=True)
    to_stderr().print(f"{count(len(watched), 'work')} watched.")
    if as_json:
        works = [
            {"id": row.id, "file": row.path, "title": row.title, "artist": row.artist, "isrc": row.isrc,
             "sha256": row.sha256, "watched_since": watched[row.id].since if row.id in watched else None}
            for row in rows
        ]  # fmt: skip
        print_json("watch", works=works)


def _line(row: ItemRow, watch: Watch | None) -> str:
    from earwitness.api.printable import shown

    named = " by ".join(filter(None, (row.title, row.artist)))
    since = "not watched" if watch is None else f"watched since {watch.since[:10]}"
    return shown(f"{row.id}  {row.path}{f' ({named})' if named else ''}: {since}")


def notices(
    dataset: Annotated[
        str | None, typer.Option("--in", help="Only of this dataset (NAME or NAME:VERSION)")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Also those that nothing was found")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many, newest first")] = 100,
    as_json: Json = False,
    home: Home = None,
) -> None:
    """Show the notices about watched works, newest first."""
    from earwitness.api.watch.deliver import notice_json

    want_json(as_json)
    with opened_notices(settings_of(home)) as (stored, _):
        shown = stored.page(limit=limit, dataset=dataset, only_news=not every)
    show_notices(shown)
    if not shown:
        to_stderr().print("No notices. `--all` shows also those that nothing was found.")
    if as_json:
        print_json("notices", notices=[{**notice_json(each), "delivery": each.delivery} for each in shown])


def evidence(
    notice: Annotated[int, typer.Argument(help="Number of the notice", show_default=False)],
    out: Annotated[Path, typer.Option(help="Write the signed file here", show_default=False)],
    force: Force = False,
    home: Home = None,
) -> None:
    """Write a notice, and what was found in the version before, as a file signed by the home's key."""
    from earwitness.api.evidence.notice_evidence import notice_evidence
    from earwitness.api.scan.outputs import whole_file
    from earwitness.api.watch.watch_errors import NoSuchNotice

    settings = settings_of(home)
    with opened_notices(settings) as (stored, _):
        found = stored.get(notice)
    if found is None:
        raise NoSuchNotice(notice=str(notice))
    with prepared_outputs({"out": out}, force=force) as targets:
        target = targets["out"]
        assert target is not None  # it was given
        with whole_file(target.path) as written:
            written.write(notice_evidence(found, settings))


def webhook(
    url: Annotated[
        str | None, typer.Argument(help="Send notices here; without it, show the address", show_default=False)
    ] = None,
    every: Annotated[bool, typer.Option("--every", help="Also send those that nothing was found")] = False,
    remove: Annotated[bool, typer.Option("--remove", help="Send notices nowhere any more")] = False,
    as_json: Json = False,
    home: Home = None,
) -> None:
    """Set, show or remove the address that notices are sent to (Standard Webhooks)."""
    from earwitness.api.watch.deliver import address_of, set_address
    from earwitness.index.writer import Writer

    want_json(as_json)
    settings, secret = settings_of(home), None
    Writer.open(settings.home_address).close()  # makes the home if there is none
    with opened_notices(settings) as (_, deliveries):
        if remove:
            deliveries.remove_webhook()
            to_stdout().print("Notices are sent nowhere.")
            if as_json:
                print_json("webhook", url=None)
            return
        if url is not None:
            hook, is_new = set_address(deliveries, settings, url, every=every)
            secret = hook.secret if is_new else None
        hook = address_of(deliveries)
        _show_webhook(hook, deliveries.count_pending(), secret)
        if url is not None:
            deliver(settings, deliveries)
        if as_json:
            print_json("webhook", **webhook_json(hook), secret=secret)


def _show_webhook(hook: Webhook, waiting: int, secret: str | None) -> None:
    from earwitness.api.sentences import count

    console = to_stdout()
    which = "All notices" if hook.every else "Notices that something was found, or has gone,"
    console.print(f"{which} are sent to {hook.url}; {count(waiting, 'notice')} waiting.", soft_wrap=True)
    if secret is not None:
        console.print(f"They are signed with this secret, which is shown once: {secret}", soft_wrap=True)
    if hook.set_aside_at is not None:
        console.print(
            f"It has failed for too long ({hook.failure}) and is set aside. Set it again to take it up.",
            soft_wrap=True,
        )
    elif hook.failure is not None:
        console.print(f"The last attempt failed: {hook.failure}.", soft_wrap=True)


def webhook_json(hook: Webhook) -> dict[str, Any]:
    """Return an address for programs, without its secret."""
    return {
        "url": hook.url,
        "every": hook.every,
        "created_at": hook.created_at,
        "failure": hook.failure,
        "is_set_aside": hook.set_aside_at is not None,
    }


def deliver_(as_json: Json = False, home: Home = None) -> None:
    """Make notices that a killed command left to be made, and send those that are due."""
    from earwitness.api.watch.announce import settle
    from earwitness.api.watch.deliver import address_of
    from earwitness.index.writer import Writer

    want_json(as_json)
    settings = settings_of(home)
    since = last_notice(settings)
    with Writer.open(settings.home_address) as writer:
        settle(writer, settings)
    new = report_notices(settings, since)
    with opened_notices(settings) as (_, deliveries):
        hook, waiting = address_of(deliveries), deliveries.count_pending()
    to_stdout().print(f"{waiting:,} waiting to be sent to {hook.url}.", soft_wrap=True)
    if as_json:
        print_json("deliver", new=new, waiting=waiting)


watch = typer.Typer(no_args_is_help=True, help="Have a notice when a dataset holds a registered work.")
for name, command in (
    ("add", add),
    ("list", list_),
    ("stop", stop),
    ("notices", notices),
    ("evidence", evidence),
    ("webhook", webhook),
    ("deliver", deliver_),
):
    watch.command(name, epilog=epilog(f"watch {name}"))(guarded(command))
