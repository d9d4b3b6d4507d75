"""The documentation is complete, and its links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from earwitness.api.settings import Settings, variable_of
from tests.house.reference_pages import DOCS, PAGES, errors

MAX_FIGURE_BYTES = 100_000


@pytest.mark.parametrize("name", PAGES)
def test_a_generated_page_is_that_of_the_code(name: str) -> None:
    """Settings, error codes and HTTP routes are listed as the code has them."""
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name](), (
        "run `python -m tests.house.reference_pages`"
    )


def test_every_setting_and_error_code_has_its_line() -> None:
    """No setting and no error code is missing in docs/."""
    settings = (DOCS / "settings.md").read_text(encoding="utf-8")
    assert [name for name in Settings.model_fields if f"`{variable_of(name)}`" not in settings] == []
    page = (DOCS / "errors.md").read_text(encoding="utf-8")
    codes = {each.code for each in errors()}
    assert len(codes) > 100
    assert [code for code in sorted(codes) if f"| `{code}` |" not in page] == []


def test_every_figure_is_shown_and_small() -> None:
    """Each figure of docs/ is on a page, with words for who cannot see it, and has at most 100 kB."""
    pages = "".join(page.read_text(encoding="utf-8") for page in DOCS.glob("*.md"))
    figures = sorted(DOCS.glob("*.png"))
    assert len(figures) >= 10
    for figure in figures:
        assert re.search(rf"!\[[^\]]+\]\({re.escape(figure.name)}\)", pages), figure.name
        assert figure.stat().st_size <= MAX_FIGURE_BYTES, figure.name


def test_the_site_builds_without_a_broken_link(tmp_path: Path) -> None:
    """mkdocs builds the site in strict mode: every page is in the menu, every link and anchor exists."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=DOCS.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    assert (tmp_path / "index.html").exists()
