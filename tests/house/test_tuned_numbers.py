"""Every number of the search and of decoding that was chosen by hand is listed in docs/tuned-numbers.md."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from benchmarks.__main__ import ENTRIES
from benchmarks.fit.registry import FITS

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "tuned-numbers.md"
PLACES = (
    "index/matching",
    "index/changed_copies",
    "index/statistics",
    "index/names",
    "index/file_lookup.py",
    "api/datasets/name_lists",
    "fingerprint/decode/worker",
    "fingerprint/activity.py",
    "fingerprint/chromaprint.py",
    "fingerprint/dereverberate.py",
    "api/cue",
    "api/http/acoustid",
    "api/scan",
    "benchmarks/fit",
)
COMMAND = re.compile(r"benchmarks ([a-z-]+)")
ROW = re.compile(r"^\| `(?P<name>\w+)` \| (?P<value>[^|]+) \| [^|]+ \| [^|]+ \| (?P<check>[^|]+) \|$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A numeric constant of a module, and what its docstring and that of the module say."""

    name: str
    value: str
    about: str
    about_module: str

    @property
    def is_chosen(self) -> bool:
        """Whether it was chosen by somebody, and is no fact of a format or of the code."""
        return re.search(r"\b[Cc]hosen\b", self.about + self.about_module) is not None

    @property
    def names_command(self) -> bool:
        """Whether its own docstring names the benchmark that fits or measures it."""
        return any(command in ENTRIES for command in COMMAND.findall(self.about))


def _modules() -> list[Path]:
    return [
        path
        for place in PLACES
        for path in ([ROOT / place] if place.endswith(".py") else sorted((ROOT / place).rglob("*.py")))
    ]


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _is_number(node: ast.expr) -> bool:
    """Whether an expression holds numbers and no text."""
    constants = [part.value for part in ast.walk(node) if isinstance(part, ast.Constant)]
    return bool(constants) and all(type(value) in (int, float) for value in constants)


def _text(node: ast.stmt) -> str | None:
    is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    return str(node.value.value) if is_text else None  # type: ignore[attr-defined]


def _numbers(path: Path) -> Iterator[Number]:
    """Numeric constants of a module; a docstring belongs to all assignments just before it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    about, about_module = "", ast.get_docstring(tree) or ""
    for node in reversed(tree.body):
        text = _text(node)
        if text is not None:
            about = text
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            target = node.targets[0] if isinstance(node, ast.Assign) else node.target
            names = target.elts if isinstance(target, ast.Tuple) else [target]
            if node.value is not None and _is_number(node.value):
                values = node.value.elts if isinstance(target, ast.Tuple) else [node.value]  # type: ignore[attr-defined]
                for name, value in zip(names, values, strict=True):
                    yield Number(
                        name=ast.unparse(name),
                        value=ast.unparse(value),
                        about=about,
                        about_module=about_module,
                    )
        else:
            about = ""


def _listed() -> dict[str, dict[str, re.Match[str]]]:
    """Rows of the page by module and name."""
    sections: dict[str, dict[str, re.Match[str]]] = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("### `"):
            rows = sections.setdefault(line.removeprefix("### `").removesuffix("`"), {})
        elif (row := ROW.match(line)) is not None:
            rows[row["name"]] = row
    return sections


@pytest.mark.parametrize("path", _modules(), ids=_name)
def test_a_number_that_was_chosen_is_listed_or_names_its_command(path: Path) -> None:
    """The page lists it with the value that the code has, or its docstring names the command that fits it."""
    rows = _listed().get(_name(path), {})
    for number in _numbers(path):
        if number.name in rows:
            assert ast.unparse(ast.parse(rows[number.name]["value"].strip("`"))) == number.value, number.name
        else:
            assert not number.is_chosen or number.names_command, (
                f"{_name(path)}: {number.name} was chosen: list it in {PAGE.name}, or name the command that"
                " fits it in its docstring"
            )


def test_every_listed_number_exists() -> None:
    """The page lists no number and no module that the code does not have."""
    numbers = {_name(path): {number.name for number in _numbers(path)} for path in _modules()}
    sections = _listed()
    assert sum(map(len, sections.values())) > 100
    for module, rows in sections.items():
        assert set(rows) <= numbers.get(module, set()), module


def test_every_check_exists() -> None:
    """A row names an entry of the benchmarks, a file of tests, or none."""
    for rows in _listed().values():
        for row in rows.values():
            checks = re.findall(r"`([^`]+)`", row["check"])
            assert checks or row["check"].strip() == "none", row[0]
            for check in checks:
                assert check in ENTRIES or check.startswith("fit ") or (ROOT / check).exists(), check


def test_the_page_lists_every_fit() -> None:
    """The table of fits has the numbers, the audio and the queries of each fit."""
    page = PAGE.read_text(encoding="utf-8")
    for fit in FITS:
        numbers = ", ".join(f"`{name}`" for name in fit.fields)
        row = f"| `{fit.name}` | {numbers} | {fit.queries.name} | {fit.n_queries:,} |"
        assert row in page, row
