"""What a creator does on the pages, in a real browser: ask, read, listen, keep, watch, be told, delete."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from benchmarks.serving.server_process import ServerProcess
from earwitness.api.evidence.verify_evidence import verify_any_evidence
from tests.browser.conftest import DESKTOP, ORIGINALS, PHONE, Opened, index, part_of_the_dataset, shoot

ANSWER_MS = 120_000
ALBUM = ("night_bus.opus", "tin_parade.mp3", "clockwork_reel.mp3")


def ask(page: Page, *files: Path) -> None:
    """Choose files, send them, and wait for the last answer."""
    page.get_by_label("Your recordings").set_input_files([*files])
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_role("status").first).to_be_visible(timeout=ANSWER_MS)
    expect(page.locator("progress")).to_have_count(0, timeout=ANSWER_MS)


def headline(page: Page) -> str:
    """Return the one sentence of an answer."""
    return page.get_by_role("heading", level=1).filter(visible=True).inner_text()


def downloaded(page: Page, link: str, folder: Path) -> Path:
    """Follow a link that saves a file, and return the file."""
    with page.expect_download() as download:
        page.get_by_role("link", name=link).first.click()
    target = folder / download.value.suggested_filename
    download.value.save_as(target)
    return target


def wait_until(page: Page, condition: str) -> None:
    """Wait for an expression of JavaScript; Playwright's own wait needs ``eval``, which our pages forbid."""
    until = time.monotonic() + ANSWER_MS / 1000
    while not page.evaluate(condition):
        assert time.monotonic() < until, condition
        page.wait_for_timeout(100)


def require_usable(page: Page, name: str) -> None:
    """Fail on what a screen reader or a narrow window cannot show."""
    found = Axe().run(page)
    assert found.violations_count == 0, f"{name}: {found.generate_report()}"
    widths = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert widths[0] <= widths[1], f"{name} is wider than the window"


@pytest.mark.parametrize(("size", "dark"), [(DESKTOP, False), (PHONE, True)], ids=["desktop", "phone"])
def test_an_album_is_asked_read_heard_and_kept(
    opened: Opened, tmp_path: Path, size: tuple[int, int], dark: bool
) -> None:
    """The headline counts the tracks; a part plays from the reader's file; the evidence verifies."""
    page = opened(size=size, dark=dark)
    require_usable(page, "first page")
    ask(page, *(ORIGINALS / name for name in ALBUM))
    assert "/albums/" in page.url
    assert headline(page).startswith("2 of your 3 tracks")
    require_usable(page, "album")
    shoot(page, f"album-{size[0]}")
    page.get_by_role("button", name="Listen in your file").filter(visible=True).first.click()
    wait_until(page, "document.getElementById('player-audio').currentTime > 0")
    assert page.evaluate("document.getElementById('player-audio').src").startswith("blob:")
    page.get_by_role("link", name="The whole answer about this track").first.click()
    assert "scraped-sample" in headline(page)
    page.locator("img.picture").first.scroll_into_view_if_needed()
    wait_until(page, "document.querySelector('img.picture').naturalWidth > 0")
    require_usable(page, "answer")
    shoot(page, f"answer-{size[0]}")
    kept = downloaded(page, "Download the evidence", tmp_path)
    assert verify_any_evidence(kept).signer
    assert "scraped-sample" in downloaded(page, "Letter about", tmp_path).read_text("utf-8")
    page.get_by_role("link", name="Print this answer").click()
    expect(page.locator("body")).to_contain_text("scraped-sample")
    require_usable(page, "printed answer")


def test_what_cannot_be_read_is_said_in_words(opened: Opened, tmp_path: Path) -> None:
    """A file without sound is no "no match", and no word of HTTP is shown."""
    (tmp_path / "notes.mp3").write_text("These are the notes about my song.\n" * 9)
    page = opened(size=PHONE)
    ask(page, tmp_path / "notes.mp3")
    assert "could not" in headline(page)
    text = page.locator("main").inner_text()
    assert "No match" not in text and "422" not in text
    require_usable(page, "unreadable")


def test_a_work_is_watched_its_owner_told_and_it_is_deleted(
    opened: Opened, server: ServerProcess, tmp_path: Path
) -> None:
    """A dataset that is indexed later gives a notice, which verifies; then the work is deleted."""
    page = opened(size=PHONE, dark=True)
    page.get_by_label("Recording", exact=True).set_input_files(ORIGINALS / "paper_lanterns.opus")
    page.get_by_label("Watch it").check()
    page.get_by_role("button", name="Register it").click()
    expect(page.locator("progress")).to_have_count(0, timeout=ANSWER_MS)
    page.goto("/mine")
    expect(page.get_by_text("Watched since")).to_be_visible()
    index(server, "later", "1", part_of_the_dataset(tmp_path, "shard-0/clip_01.mp3"))
    page.reload()
    expect(page.get_by_text("later")).not_to_have_count(0)
    require_usable(page, "my works")
    shoot(page, "mine-390")
    page.get_by_text("What was found, how it was compared").first.click()
    assert verify_any_evidence(downloaded(page, "Download the evidence", tmp_path)).signer
    feed = page.request.get("/v1/notices.atom").text()
    assert "paper_lanterns" in feed and "later" in feed
    page.get_by_text("Delete", exact=True).first.click()
    page.get_by_label("Yes, delete").check()
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("No work is registered yet.")).to_be_visible()


def test_everything_can_be_reached_in_german_and_with_the_keyboard(opened: Opened) -> None:
    """The first stop of the tab key leads past the header; the other language is one link away."""
    page = opened()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Deutsch").click()
    assert page.evaluate("document.documentElement.lang") == "de"
    require_usable(page, "German")
