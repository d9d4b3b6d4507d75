"""The console script, started as a user starts it."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.house.command_reference import PAGE, commands, page

ROOT = Path(__file__).parents[2]
SCRIPT = Path(sys.executable).with_name("earwitness")
HEAVY = (
    "numba", "faiss", "onnxruntime", "fastapi", "sqlalchemy", "librosa", "matplotlib", "scipy", "pyarrow",
    "numpy",
)  # fmt: skip


def test_help_imports_nothing_heavy() -> None:
    """Asking for help pays for no library that only work needs."""
    code = (
        "import sys\nfrom earwitness.api.cli import main\nsys.argv = ['earwitness', '--help']\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print('HEAVY', sorted(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert "HEAVY []" in done.stderr


def test_who_hands_out_a_scan_does_without_what_hears_it() -> None:
    """The process that reads a source and writes its findings loads no library that only workers need."""
    numeric = ("numba", "scipy", "faiss", "onnxruntime", "librosa", "av", "soundfile")
    code = (
        "import sys\nimport earwitness.api.scan.run_scan, earwitness.api.datasets.open_source\n"
        f"print('NUMERIC', sorted(set({numeric!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert "NUMERIC []" in done.stdout


@pytest.mark.parametrize(
    ("module", "unneeded"),
    [
        ("datasets.isolated.reading_worker", ("numpy", "pyarrow", "fsspec", "warcio", "pydantic", "av")),
        ("fingerprint.decode.worker.decode_worker", ("scipy", "numba", "pydantic", "sqlalchemy", "faiss")),
        ("fingerprint.numeric.scipy_parts", ("scipy", "numba")),
        ("packs.pack_worker", ("numpy", "scipy", "numba", "pydantic", "sqlalchemy", "faiss", "av")),
        ("scan.scan_worker", ("scipy", "numba", "pyarrow", "fsspec", "warcio", "av", "soundfile")),
    ],
    ids=lambda value: value.rpartition(".")[2] if isinstance(value, str) else "",
)
def test_a_process_imports_no_library_that_it_may_not_need(module: str, unneeded: tuple[str, ...]) -> None:
    """A process that is started for every source or for every damaged file starts without slow libraries."""
    name = f"earwitness.{module}" if module.startswith("fingerprint") else f"earwitness.api.{module}"
    code = f"import sys\nimport {name}\nprint('SLOW', sorted(set({unneeded!r}) & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "SLOW []\n"


@pytest.mark.parametrize("module", ["scan.scan_worker", "packs.pack_worker"])
def test_a_process_that_reads_no_source_imports_no_reader(module: str) -> None:
    """The readers of archives, tables and manifests are imported where a source is read, and nowhere else."""
    code = (
        f"import sys\nimport earwitness.api.{module}\n"
        "readers = ('open_source', 'archives', 'tables', 'manifests')\n"
        "print('READERS', [name for name in readers if f'earwitness.api.datasets.{name}' in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "READERS []\n"


CHECK = (
    "cli.source_arguments", "cli.names.without_sound", "finding_json", "scan.audit", "scan.outputs",
    "sentences", "pipeline.item_processor", "pipeline.searched_collections",
)  # fmt: skip


def test_a_check_imports_no_library_that_it_does_not_use() -> None:
    """What answers one file loads no server, no tables, no pictures, no decoders and no compiler."""
    unneeded = (
        "fastapi", "starlette", "uvicorn", "jinja2", "alembic", "librosa", "matplotlib", "PIL", "pyarrow",
        "fsspec", "warcio", "cryptography", "joserfc", "scipy", "numba", "av", "soundfile", "soxr",
    )  # fmt: skip
    code = (
        f"import sys\nfrom importlib import import_module\nfor name in {CHECK!r}:\n"
        "    import_module(f'earwitness.api.{name}')\n"
        f"print('UNNEEDED', sorted(set({unneeded!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "UNNEEDED []\n"


def test_errors_of_the_server_need_no_other_part_of_it() -> None:
    """The module that turns errors into responses imports neither routes nor readers nor the store."""
    code = (
        "import sys\nimport earwitness.api.http.problems\n"
        "print('OWN', sorted(name for name in sys.modules if name.startswith('earwitness.api.')))\n"
        "print('OTHER', sorted({'sqlalchemy', 'faiss', 'numba', 'av'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    lookups = ("acoustid", "acoustid.lookup_errors")
    http = (*lookups, "http_errors", "openapi_problems", "page_templates", "problems")
    answers = ("answers", "answers.messages", "answers.reader_errors")
    own = (*answers, "http", *(f"http.{name}" for name in http))
    assert f"OWN {[f'earwitness.api.{name}' for name in own]}" in done.stdout
    assert "OTHER []" in done.stdout


def test_importing_the_package_imports_nothing_else_of_it() -> None:
    """`import earwitness`, which every child process does too, loads no module of ours and no library."""
    code = (
        "import sys\nbefore = set(sys.modules)\nimport earwitness\n"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "ours = {name for name in sys.modules if name.startswith('earwitness.')}\n"
        "print('NEW', sorted((new - set(sys.stdlib_module_names)) | ours))"
    )
    done = subprocess.run([sys.executable, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert "NEW ['earwitness']" in done.stdout


def test_the_package_installs_one_name() -> None:
    """The wheel holds one top-level package, with the folders of the source below it and a typing marker."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == ["src/earwitness"]
    package = ROOT / "src" / "earwitness"
    assert [path.name for path in package.parent.iterdir() if path.name != "__pycache__"] == ["earwitness"]
    assert (package / "py.typed").is_file()
    linked = {path.name: path.resolve() for path in package.iterdir() if path.is_symlink()}
    assert linked == {name: ROOT / name for name in ("api", "fingerprint", "index")}


def test_the_package_works_beside_others_of_the_same_names(tmp_path: Path) -> None:
    """A notebook's own api.py, index.py and fingerprint.py stay its own where earwitness is imported."""
    for name in ("api", "index", "fingerprint"):
        (tmp_path / f"{name}.py").write_text("OWN = True\n")
    code = (
        "import api, fingerprint, index\nimport earwitness\n"
        "home = earwitness.open_home('home')\nimport earwitness.index, earwitness.fingerprint\n"
        "print(api.OWN, index.OWN, fingerprint.OWN, home.path, callable(earwitness.fingerprint_audio))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stdout == "True True True home True\n", done.stderr


def test_the_shell_completes_commands() -> None:
    """The script of `--install-completion` calls the program in this way, and gets the commands' names."""
    request = {"_EARWITNESS_COMPLETE": "complete_bash", "COMP_WORDS": "earwitness sc", "COMP_CWORD": "1"}
    done = subprocess.run([SCRIPT], env=os.environ | request, capture_output=True, text=True, check=False)
    assert done.stdout.split() == ["scan", "schema"]


@pytest.mark.parametrize("arguments", [["--help"], ["schema", "finding"], ["collections"]], ids=" ".join)
def test_a_folder_of_the_users_does_not_shadow_the_program(tmp_path: Path, arguments: list[str]) -> None:
    """The program works in a folder that holds an api.py, an index/ and a fingerprint/ of the user's own."""
    (tmp_path / "api.py").write_text("raise RuntimeError('the user\\'s own api.py was imported')\n")
    for room in ("index", "fingerprint"):
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").write_text(f"raise RuntimeError('the user\\'s own {room}')\n")
    environment = os.environ | {"EARWITNESS_HOME": str(tmp_path / "home")}
    done = subprocess.run(
        [SCRIPT, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "the user's own" not in done.stderr


@pytest.mark.parametrize(("name", "command"), list(commands()), ids=[name for name, _ in commands()])
def test_every_command_explains_itself(name: str, command: Any) -> None:
    """Each command's help has examples that begin with the program, and every option has its words."""
    examples = [line.strip() for line in (command.epilog or "").splitlines() if "earwitness" in line]
    assert examples
    assert any(name.removeprefix("earwitness ") in line for line in examples)
    for option in command.params:
        assert option.help, f"{name} {option.name}"
    assert {"-q", "-v"} <= {short for option in command.params for short in option.opts}


def test_the_page_lists_every_command_and_option() -> None:
    """docs/command-line.md has all of them; `python -m tests.house.command_reference` writes it."""
    assert PAGE.read_text(encoding="utf-8") == page(PAGE.read_text(encoding="utf-8"))


def test_the_page_names_every_verb_that_answers_in_json() -> None:
    """Each command that has --json is in the page's table of keys."""
    text = PAGE.read_text(encoding="utf-8").partition("## JSON")[2].partition("\n## ")[0]
    with_json = [name for name, each in commands() if "as_json" in [option.name for option in each.params]]
    assert len(with_json) >= 13
    assert not [name for name in with_json if f"`{name.removeprefix('earwitness ')}`" not in text]
