"""``earwitness keys``: API keys for a server that others may reach."""

from __future__ import annotations

import typer

from api.cli.examples import epilog
from api.cli.guard import guarded
from api.cli.options import Home, settings_of, to_stderr

keys = typer.Typer(no_args_is_help=True, help="Make API keys for `earwitness serve`.")


def create(home: Home = None) -> None:
    """Make a key: it is printed once, and its record is what the server's settings hold."""
    from api.http.keys import mint

    key, record = mint(settings_of(home).tenant)
    print(key)
    to_stderr().print(
        "The key above is shown only now: give it to its user, who sends 'Authorization: Bearer KEY'.\n"
        f"Add its record to the server's settings:\n\n  EARWITNESS_API_KEYS={record}\n\n"
        "Several records are separated by commas; taking a record out locks its key out.",
        soft_wrap=True,
        highlight=False,
    )


keys.command(epilog=epilog("create"))(guarded(create))


@keys.callback()
def _keys() -> None:
    """Keep `create` a verb of its own, though it is the only one."""
