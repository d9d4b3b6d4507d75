"""A server with one dataset, and Debian's Chromium as Playwright drives it."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from benchmarks.serving.server_process import ServerProcess, job_of, running

SAMPLES = Path(__file__).parents[2] / "sample_audio"
ORIGINALS = SAMPLES / "originals"
DESKTOP, PHONE = (1280, 800), (390, 844)
CHROMIUM = os.environ.get("EARWITNESS_BROWSER")
OPTIONS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
SHOTS = os.environ.get("EARWITNESS_SCREENSHOTS")
"""Folder of the screenshots; without it, none are written."""

Opened = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium without a window."""
    if CHROMIUM is None:
        pytest.skip("scripts/browser.sh installs Chromium and runs these tests")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=[*OPTIONS])
        yield started
        started.close()


@pytest.fixture(scope="module")
def server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A running server that has indexed the bundled dataset."""
    with running(tmp_path_factory.mktemp("browser") / "home") as started:
        index(started, "scraped-sample", "1", SAMPLES / "scraped.zip")
        yield started


@pytest.fixture
def opened(browser: Browser, server: ServerProcess) -> Iterator[Opened]:
    """Open a page in a window of some size; what the browser reports as wrong fails the test."""
    contexts, wrong = list[BrowserContext](), list[str]()

    def open_page(path: str = "/", *, size: tuple[int, int] = DESKTOP, dark: bool = False) -> Page:
        context = browser.new_context(
            base_url=server.address,
            viewport={"width": size[0], "height": size[1]},
            color_scheme="dark" if dark else "light",
            locale="en-GB",
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
        page.goto(path)
        return page

    yield open_page
    for each in contexts:
        each.close()
    assert wrong == []


def index(server: ServerProcess, name: str, version: str, archive: Path) -> None:
    """Index an archive over HTTP, and wait for it."""
    with httpx2.Client(base_url=server.address, timeout=60) as client, archive.open("rb") as file:
        sent = client.post("/v1/collections", files={"file": file}, data={"name": name, "version": version})
        assert job_of(client, sent.headers["Location"])["state"] == "done"


def part_of_the_dataset(folder: Path, *names: str) -> Path:
    """Write a zip of some clips of the bundled dataset."""
    target = folder / "part.zip"
    with zipfile.ZipFile(SAMPLES / "scraped.zip") as clips, zipfile.ZipFile(target, "w") as part:
        for name in names:
            part.writestr(name, clips.read(name))
    return target


def shoot(page: Page, name: str) -> None:
    """Write a screenshot of a whole page where that is wanted."""
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)
