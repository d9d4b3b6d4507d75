"""Lists of works without audio over HTTP: answered as the commands answer, within limits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from earwitness.api.cli.app import app
from earwitness.api.http.catalogues import receive_catalogue
from earwitness.api.http.catalogues.catalogue_schemas import MAX_WORKS, CatalogueIn
from earwitness.api.http.protection.api_keys import client_of
from earwitness.api.http.uploads.spool import Spool
from earwitness.api.settings import Settings
from earwitness.api.shelf.catalogue import stored_catalogue
from tests.http.conftest import Serve, home_with_names, spool_of

VIDEO = "dQw4w9WgXcQ"
WORKS: list[dict[str, Any]] = [
    {"artist": "Me", "title": "Mine", "link": f"https://www.youtube.com/watch?v={VIDEO}"},
    {"artist": "artist 7", "title": "SONG 7"},
    {"artist": "Me", "title": "Other", "isrc": "no isrc"},
]
CSV = b"artist,title,link,isrc\n" + b"".join(
    ",".join(work.get(key, "") for key in ("artist", "title", "link", "isrc")).encode() + b"\n"
    for work in WORKS
)


@pytest.fixture(scope="module")
def listed_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the names of one dataset, to be copied."""
    folder = tmp_path_factory.mktemp("listed")
    rows = ["artist,title,link", f"Forss,Flickermood,https://youtu.be/{VIDEO}"]
    rows += [f"Artist {n},Song {n}," for n in range(99)]
    return home_with_names(folder, rows, dataset="Some Songs")


def of_command(settings: Settings, verb: str, table: Path) -> dict[str, Any]:
    """Return what a command answers, without what only a command or only the server states."""
    ran = CliRunner().invoke(app, ["--home", str(settings.home), verb, "--catalogue", str(table), "--json"])
    answer: dict[str, Any] = json.loads(ran.stdout)
    return answer


def test_a_list_is_answered_as_by_the_command(listed: Settings, serve: Serve, tmp_path: Path) -> None:
    """CSV and JSON of the same works get the answer of ``check --catalogue``, and nothing is stored."""
    (tmp_path / "works.csv").write_bytes(CSV)
    expected = of_command(listed, "check", tmp_path / "works.csv")
    with serve() as client:
        as_file = client.post("/v1/catalogue/checks", files={"file": ("works.csv", CSV)})
        as_rows = client.post("/v1/catalogue/checks", json={"works": WORKS})
    assert (as_file.status_code, as_rows.status_code) == (200, 200), as_file.text + as_rows.text
    for answer in (as_file.json(), as_rows.json()):
        assert [each["names"] for each in answer["works"]] == [each["names"] for each in expected["works"]]
        assert {key: answer[key] for key in ("lists", "named", "not_understood", "complete")} == {
            key: expected[key] for key in ("lists", "named", "not_understood", "complete")
        }
        assert (answer["named"], answer["not_understood"], answer["new"]) == (2, 1, None)
        sentences = [each["sentence"] for each in answer["works"]]
        assert "YouTube identifier" in sentences[0]
        assert sentences[2] is None
    assert [each["work"] for each in as_file.json()["works"]] == [each["work"] for each in expected["works"]]
    assert stored_catalogue(listed) == []
    assert spool_of(listed) == []


def test_a_list_is_registered_once(listed: Settings, serve: Serve, tmp_path: Path) -> None:
    """The works are stored as by ``register --catalogue``; sending them again changes nothing."""
    with serve() as client:
        first = client.post("/v1/catalogue", files={"file": ("my.csv", CSV)}).json()
        again = client.post("/v1/catalogue", json={"works": WORKS}).json()
    assert (first["new"], again["new"], first["named"]) == (3, 0, 2)
    assert [each.title for each in stored_catalogue(listed)] == ["Mine", "SONG 7", "Other"]
    (tmp_path / "works.csv").write_bytes(CSV)
    assert of_command(listed, "register", tmp_path / "works.csv")["new"] == 0


def test_a_column_that_only_a_late_row_has_is_asked(listed: Settings, serve: Serve) -> None:
    """A field of JSON is looked up in every row, whatever the first rows hold."""
    rows: list[dict[str, Any]] = [{"artist": f"X{n}", "title": f"Y{n}"} for n in range(200)]
    with serve() as client:
        answer = client.post("/v1/catalogue/checks", json={"works": [*rows, {"youtube_id": VIDEO}]}).json()
    assert answer["named"] == 1
    assert answer["works"][-1]["names"][0]["value"] == VIDEO


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"files": {"file": ("a.csv", b"x,y\n1,2\n")}}, 422, "not_a_catalogue"),
        ({"files": {"file": ("a.csv", b"")}}, 422, "empty_file"),
        ({"files": {"file": ("a.csv", CSV)}, "data": {"collections": "all"}}, 400, "bad_form"),
        ({"content": CSV, "headers": {"Content-Type": "text/csv"}}, 415, "not_a_list"),
        ({"json": {"works": []}}, 422, "bad_request"),
        ({"json": {"works": [{"titel": "Misspelt"}]}}, 422, "bad_request"),
        ({"json": {"works": [{"title": "x" * 1_001}]}}, 422, "bad_request"),
        ({"content": b"[" * 100_000, "headers": {"Content-Type": "application/json"}}, 422, "bad_request"),
        ({"json": {"works": [{"title": "x"}] * (MAX_WORKS + 1)}}, 422, "bad_request"),
        ({"files": {"file": ("a.csv", b"artist,title\n" + b"a,b\n" * 2_001)}}, 413, "too_many_works"),
        ({"files": {"file": ("a.csv", b"a" * 200_000)}}, 413, "upload_too_large"),
        (
            {"content": b" " * 200_000, "headers": {"Content-Type": "application/json"}},
            413,
            "upload_too_large",
        ),
    ],
)
@pytest.mark.parametrize("address", ["/v1/catalogue", "/v1/catalogue/checks"])
def test_what_is_no_list_is_refused(
    listed: Settings, serve: Serve, address: str, body: dict[str, Any], status: int, code: str
) -> None:
    """A refusal says why, names no path of the server, and leaves nothing on the disk."""
    with serve() as client:
        answer = client.post(address, **body)
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert str(listed.home) not in answer.text
    assert (spool_of(listed), stored_catalogue(listed)) == ([], [])


def test_without_a_list_nothing_can_be_asked(serve: Serve) -> None:
    """A check says that no list is stored; works can be registered before."""
    with serve() as client:
        refused = client.post("/v1/catalogue/checks", json={"works": WORKS})
        assert (refused.status_code, refused.json()["code"]) == (409, "no_names_here")
        assert client.post("/v1/catalogue", json={"works": WORKS}).json()["new"] == 3


def test_the_body_is_capped_whatever_uploads_may_have(
    listed: Settings, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit of a list is its own, smaller one."""
    monkeypatch.setattr(receive_catalogue, "MAX_BYTES", 1_000)
    with serve(max_upload_bytes=1 << 30) as client:
        answer = client.post("/v1/catalogue/checks", files={"file": ("a.csv", CSV * 10)})
    assert (answer.status_code, answer.json()["code"]) == (413, "upload_too_large")


def test_a_list_takes_a_slot_of_its_client(listed: Settings, serve: Serve) -> None:
    """As many lists at once as uploads: one more is refused before it is read."""
    with serve(uploads_per_client=1) as client:
        slots = client.app.state.service.slots
        with slots.taken(client_of(None, "testclient")):
            answer = client.post("/v1/catalogue/checks", json={"works": WORKS})
        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_uploads")


def test_a_folder_of_a_killed_server_is_removed(tmp_path: Path) -> None:
    """What a list left in the spool is swept like an upload."""
    spool = Spool(tmp_path / "spool", max_bytes=10)
    (spool.folder / "tmpabc").mkdir()
    (spool.folder / "tmpabc" / "works.csv").write_bytes(CSV)
    assert spool.sweep(()) == 1
    assert list(spool.folder.iterdir()) == []


def test_the_description_has_the_rows() -> None:
    """The documented columns of a list are fields of the JSON."""
    documented = {"artist", "title", "album", "isrc", "link", "youtube_id", "spotify_id", "mbid"}
    work = CatalogueIn.model_json_schema()["$defs"]["WorkIn"]
    assert documented <= set(work["properties"])
    assert work["additionalProperties"] is False
