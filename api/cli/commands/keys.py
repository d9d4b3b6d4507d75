"""``earwitness keys``: API keys for a server that is reachable from other machines."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Annotated

import typer

from earwitness.api.cli.cli_errors import BadSetting
from earwitness.api.cli.command_guard import guarded
from earwitness.api.cli.examples import epilog
from earwitness.api.cli.json_output import Json, print_json, want_json
from earwitness.api.cli.options import Home, settings_of, to_stderr

keys = typer.Typer(no_args_is_help=True, help="Make API keys for `earwitness serve`.")


class ScopeName(StrEnum):
    """The scopes of a key, as an option."""

    ASK = "ask"
    REGISTER = "register"
    INDEX = "index"
    ADMIN = "admin"


def create(
    name: Annotated[str, typer.Option(help="What the key is called, such as its user")] = "",
    scope: Annotated[
        list[ScopeName] | None, typer.Option(help="What it may be used for; may be repeated [default: all]")
    ] = None,
    expires: Annotated[
        str | None, typer.Option(help="Last day on which it is accepted, YYYY-MM-DD, or a time such as 90d")
    ] = None,
    tenant: Annotated[
        str | None, typer.Option(help="Whose data it reaches [default: EARWITNESS_TENANT]")
    ] = None,
    as_json: Json = False,
    home: Home = None,
) -> None:
    """Make a key: it is printed once, and its record goes into the server's settings."""
    from earwitness.api.http.http_errors import BadKeyRecord
    from earwitness.api.http.protection.api_keys import NAME, KeyRing, mint
    from earwitness.api.http.protection.scopes import ALL, Scope

    want_json(as_json)
    given, tenant = tenant, tenant or settings_of(home).tenant
    if name and not NAME.fullmatch(name):
        raise typer.BadParameter(
            "letters, digits, blanks, dots, hyphens and underscores only", param_hint="--name"
        )
    scopes = frozenset(map(Scope, scope)) if scope else ALL
    key, record = mint(tenant, name=name, scopes=scopes, expires=last_day(expires))
    try:
        KeyRing([str(record)])
    except BadKeyRecord:
        reason = "the name of a tenant with keys consists of small letters, digits and hyphens"
        if given:
            raise typer.BadParameter(reason, param_hint="--tenant") from None
        raise BadSetting(name="EARWITNESS_TENANT", value=tenant, reason=reason, default="local") from None
    if as_json:
        print_json("keys", key=key, record=str(record))
    else:
        print(key)
    to_stderr().print(
        "The key above is shown only once: give it to its user, who sends 'Authorization: Bearer KEY'.\n"
        f"Add its record to the server's settings:\n\n  EARWITNESS_API_KEYS={record}\n\n"
        "Several records are separated by commas; a key without a record is refused.",
        soft_wrap=True,
        highlight=False,
    )


def last_day(text: str | None) -> date | None:
    """Read the last day of a key: a date that is not over, or a number of days from today (UTC)."""
    if text is None:
        return None
    today = datetime.now(UTC).date()
    try:
        days = text.removesuffix("d")
        day = today + timedelta(days=int(days)) if text.endswith("d") else date.fromisoformat(text)
    except (ValueError, OverflowError):
        raise typer.BadParameter("give a day such as 2027-06-30, or 90d", param_hint="--expires") from None
    if day < today:
        raise typer.BadParameter(f"{day} is over", param_hint="--expires")
    return day


keys.command(epilog=epilog("create"))(guarded(create))


@keys.callback()
def _keys() -> None:
    """Make typer treat `create` as a subcommand, although it is the only one."""
