"""Writes the options in docs/command-line.md: ``python -m tests.house.command_reference``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal, get_args, get_origin

from typer.main import get_command

from earwitness.api.cli.app import app

PAGE: Final = Path(__file__).parents[2] / "docs" / "command-line.md"
BEGIN, END = "<!-- begin commands -->\n", "<!-- end commands -->\n"
COMMON: Final = frozenset({"home", "quiet", "verbose", "help"})


def commands() -> Iterator[tuple[str, Any]]:
    """Yield every command by its full name, groups left out."""
    yield from _below("earwitness", get_command(app))


def _below(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    inner = getattr(command, "commands", None)
    if not inner:
        yield name, command
        return
    for part, each in inner.items():
        yield from _below(f"{name} {part}", each)


def reference() -> str:
    """Return the list as Markdown."""
    lines = list[str]()
    for name, command in commands():
        own = [each for each in command.params if each.name not in COMMON]
        arguments = [f" {_place(each)}" for each in own if each.param_type_name == "argument"]
        lines += [f"### {name}{''.join(arguments)}", "", " ".join((command.help or "").split()), ""]
        options = [each for each in own if each.param_type_name == "option"]
        lines += [_option(each) for each in options]
        lines += [""] if options else []
    return "\n".join(lines)


def _place(argument: Any) -> str:
    return str(argument.metavar or argument.name).upper()


def _option(option: Any) -> str:
    names = ", ".join(f"`{name}`" for name in [*option.opts, *option.secondary_opts])
    kind = option.type_descriptor.annotation
    values = f" {' | '.join(get_args(kind))}" if get_origin(kind) is Literal else ""
    return f"- {names}{values}: {option.help}"


def page(text: str) -> str:
    """Return a page with its list written anew."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{reference()}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
