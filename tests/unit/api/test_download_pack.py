"""Packs from web addresses: the same as from a file, within limits, and visible only when verified."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from earwitness.api.cli.app import app
from earwitness.api.datasets.source_errors import (
    AddressRefused,
    RemoteFailed,
    SourceNotFound,
    UnknownScheme,
)
from earwitness.api.packs.add_pack import add_pack
from earwitness.api.packs.download_pack import downloaded_pack, is_address
from earwitness.api.packs.installed_packs import installed_packs
from earwitness.api.packs.pack_errors import NotAPack, PackDamaged, PackTooLargeToGet
from earwitness.fingerprint.errors import EarwitnessError
from tests.unit.api.made_packs import file_row, made_pack, settings

FILES = [file_row("a.wav", b"a"), file_row("b.wav", b"b")]


class Pages(BaseHTTPRequestHandler):
    """Serves ``pages``; ``cut`` states more bytes than it sends, ``stream`` states no length."""

    pages: dict[str, bytes]

    def do_GET(self) -> None:
        body = self.pages.get(self.path)
        if self.path == "/away":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1:1/a.pack")
            self.end_headers()
            return
        self.send_response(404 if body is None else 200)
        if "stream" not in self.path:
            self.send_header("Content-Length", str(len(body or b"") + 100 * ("cut" in self.path)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body or b"")

    do_HEAD = do_GET

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    """The address of a web server with packs, whole and not."""
    pack = made_pack(tmp_path / "made", files=FILES).read_bytes()
    changed = pack[:-200] + bytes([pack[-200] ^ 1]) + pack[-199:]
    Pages.pages = {"/a.pack": pack, "/stream.pack": pack, "/cut.pack": pack, "/changed.pack": changed}
    Pages.pages |= {"/page.html": b"<html>", "/empty.pack": b"", "/stream-large": pack + bytes(100_000)}
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def add(url: str, home: Path, **options: Any) -> None:
    """Add the pack of an address of this machine, which only a test may ask."""
    with downloaded_pack(url, settings(home), allow_private=True, **options) as file:
        add_pack(file, settings(home), unsigned=True, shown_as=url)


@pytest.mark.parametrize("page", ["a.pack", "stream.pack"])
def test_a_pack_from_an_address_is_that_of_the_file(site: str, tmp_path: Path, page: str) -> None:
    """The same manifest and the same lists, whether or not the server states a length."""
    add(f"{site}/{page}", tmp_path / "home")
    add_pack(tmp_path / "made", settings(tmp_path / "other"), unsigned=True)
    got, expected = (installed_packs(settings(tmp_path / name)) for name in ("home", "other"))
    assert [each.sha256 for each in got] == [each.sha256 for each in expected]
    assert got[0].file_list is not None and expected[0].file_list is not None
    assert got[0].file_list.read_bytes() == expected[0].file_list.read_bytes()


@pytest.mark.parametrize(
    ("page", "error"),
    [
        ("changed.pack", PackDamaged),
        ("cut.pack", RemoteFailed),
        ("empty.pack", NotAPack),
        ("page.html", NotAPack),
        ("none.pack", SourceNotFound),
    ],
)
def test_what_is_not_a_whole_pack_leaves_nothing(
    site: str, tmp_path: Path, page: str, error: type[EarwitnessError]
) -> None:
    """The error names the address; no file and no pack is left in the home."""
    home = tmp_path / "home"
    home.mkdir()
    with pytest.raises(error, match=page):
        add(f"{site}/{page}", home)
    assert installed_packs(settings(home)) == []
    assert [path for path in home.rglob("*") if path.is_file() and path.name != "packs.lock"] == []


@pytest.mark.parametrize("page", ["a.pack", "stream-large"])
def test_no_more_is_fetched_than_allowed(site: str, tmp_path: Path, page: str) -> None:
    """A longer file is refused by its stated length, or at the limit where none is stated."""
    limit = 1_000 if page == "a.pack" else 50_000
    with pytest.raises(PackTooLargeToGet, match=page):
        add(f"{site}/{page}", tmp_path / "home", max_bytes=limit)


def test_private_addresses_are_refused(site: str, tmp_path: Path) -> None:
    """Neither the address itself nor a redirect leads to this machine, and the command says so."""
    for page in ("a.pack", "away"):
        with pytest.raises(AddressRefused), downloaded_pack(f"{site}/{page}", settings(tmp_path)):
            pass
    ran = CliRunner().invoke(app, ["--home", str(tmp_path / "home"), "pack", "add", f"{site}/a.pack"])
    assert ran.exit_code == 2
    assert "127.0.0.1" in ran.stderr


def test_an_address_is_told_from_a_path() -> None:
    """Paths are paths, and addresses of kinds that are not read are refused."""
    assert is_address("https://example.org/a.pack")
    assert not is_address("a.pack") and not is_address("./https/a.pack")
    with pytest.raises(UnknownScheme):
        is_address("ftp://example.org/a.pack")
