"""Remote sources: the same items over S3 and HTTP, and no way to a private address unless it is allowed."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from earwitness.api.datasets.access.remote import Guard, is_public
from earwitness.api.datasets.items import Reader, Skipped, SourceItem
from earwitness.api.datasets.open_source import open_source
from earwitness.api.datasets.source_errors import AddressRefused, RemoteFailed, SourceNotFound
from tests.contract.packings import CLIPS, PACKINGS, SHA256S


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder; ``/away`` redirects to where ``target`` says."""

    target = ""

    def do_GET(self) -> None:
        if self.path.startswith("/away"):
            self.send_response(302)
            self.send_header("Location", self.target)
            self.end_headers()
        else:
            super().do_GET()

    do_HEAD = do_GET

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def packings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the clips in some packings, each in a folder of its own."""
    root = tmp_path_factory.mktemp("remote")
    for name in ("folder", "zip", "tar", "tar.gz", "csv"):
        (root / name).mkdir()
        PACKINGS[name](root / name)
    return root


@pytest.fixture(scope="module")
def s3(packings: Path) -> Iterator[str]:
    """The URL of a bucket that holds the packings, on a server of our own."""
    import boto3  # type: ignore[import-untyped] # stubs are a package of their own
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "none")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "none")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        client = boto3.client("s3")
        client.create_bucket(Bucket="clips")
        for path in sorted(path for path in packings.rglob("*") if path.is_file()):
            client.upload_file(str(path), "clips", path.relative_to(packings).as_posix())
        yield "s3://clips"
        server.stop()


@pytest.fixture(scope="module")
def http(packings: Path) -> Iterator[str]:
    """The URL of the packings on a web server of our own."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(packings)))
    Quiet.target = f"http://127.0.0.1:{server.server_port}/zip/clips.zip"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def digests(reader: Reader) -> list[str]:
    """Digests of all items, which must all be readable."""
    found = []
    for item in reader:
        assert isinstance(item, SourceItem), item
        assert item.open is not None
        with item.open() as stream:
            found.append(hashlib.sha256(stream.read()).hexdigest())
    return found


@pytest.mark.parametrize(
    ("path", "form"),
    [("folder", "folder"), ("zip/clips.zip", "zip"), ("tar/clips.tar", "tar"), ("csv/list.csv", "csv")],
)
def test_s3_gives_what_the_folder_gives(s3: str, path: str, form: str) -> None:
    """A bucket's prefix, archives and manifests read as local ones do."""
    reader = open_source(f"{s3}/{path}", allow_private=True)
    assert reader.format == form
    assert digests(reader) == SHA256S


@pytest.mark.parametrize("path", ["tar.gz/clips.tar.gz", "csv/list.csv"])
def test_http_gives_what_the_file_gives(http: str, path: str) -> None:
    """A web server's archive and manifest read as local ones do, even one that answers no ranges."""
    assert digests(open_source(f"{http}/{path}", allow_private=True)) == SHA256S


def test_private_addresses_are_refused_by_default(s3: str, http: str) -> None:
    """Neither a bucket nor a page on this machine is read unless private addresses are allowed."""
    for source in (
        f"{s3}/zip/clips.zip",
        f"{http}/zip/clips.zip",
        "http://localhost:1/x.zip",
        "http://[::1]/x.zip",
    ):
        with pytest.raises(AddressRefused):
            open_source(source)


def test_a_redirect_to_a_private_address_is_refused(http: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address is judged when the connection is made, so a public name that leads home stops there."""
    monkeypatch.setattr(Guard, "check_host", lambda *_: None)  # as if the first look-up had been public
    with pytest.raises(AddressRefused):
        open_source(f"{http}/away.zip")


def test_what_is_not_there_is_said(s3: str, http: str) -> None:
    """A missing object, page or server is an error that names it."""
    for source in (f"{s3}/gone.zip", f"{http}/gone.zip"):
        with pytest.raises(SourceNotFound):
            open_source(source, allow_private=True)
    with pytest.raises(RemoteFailed):
        open_source("http://127.0.0.1:1/x.zip", allow_private=True)


def test_a_local_manifest_fetches_only_when_asked(http: str, tmp_path: Path) -> None:
    """URLs in a local manifest are refused unless fetching was asked for."""
    rows = "".join(f"{http}/folder/{name}\n" for name in CLIPS)
    (tmp_path / "list.csv").write_text("url\n" + rows)
    refused = list(open_source(tmp_path / "list.csv"))
    assert {item.code for item in refused if isinstance(item, Skipped)} == {"remote_refused"}
    fetched = open_source(tmp_path / "list.csv", allow_remote=True, allow_private=True)
    assert digests(fetched) == SHA256S


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fe80::1%eth0", "fd00::1", "0.0.0.0", "224.0.0.1",
     "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "100.64.0.1"],
)  # fmt: skip
def test_addresses_that_are_not_public(address: str) -> None:
    """Loopback, private, link-local, shared and multicast addresses are not public in any spelling."""
    assert not is_public(address)


def test_addresses_that_are_public() -> None:
    """Ordinary addresses are."""
    assert is_public("93.184.216.34")
    assert is_public("2606:2800:220:1:248:1893:25c8:1946")
