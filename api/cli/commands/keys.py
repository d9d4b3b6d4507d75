"""``earwitness keys``: API keys for a server that is reachable from other machines."""

from __future__ import annotations

import typer

from earwitness.api.cli.cli_errors import BadSetting
from earwitness.api.cli.command_guard import guarded
from earwitness.api.cli.examples import epilog
from earwitness.api.cli.json_output import Json, print_json, want_json
from earwitness.api.cli.options import Home, settings_of, to_stderr

keys = typer.Typer(no_args_is_help=True, help="Make API keys for `earwitness serve`.")


def create(as_json: Json = False, home: Home = None) -> None:
    """Make a key: it is printed once, and its record goes into the server's settings."""
    from earwitness.api.http.http_errors import BadKeyRecord
    from earwitness.api.http.protection.api_keys import KeyRing, mint

    want_json(as_json)
    tenant = settings_of(home).tenant
    key, record = mint(tenant)
    try:
        KeyRing([str(record)], tenant=tenant)
    except BadKeyRecord:
        reason = "the name of a tenant with keys consists of small letters, digits and hyphens"
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


keys.command(epilog=epilog("create"))(guarded(create))


@keys.callback()
def _keys() -> None:
    """Make typer treat `create` as a subcommand, although it is the only one."""
