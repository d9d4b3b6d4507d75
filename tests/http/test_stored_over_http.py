"""Registered works and datasets over HTTP: listed, corrected, deleted."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from earwitness.api.settings import Settings
from earwitness.api.shelf.stored_names import store_names
from earwitness.index.names.name_entries import NameEntry
from earwitness.index.names.stored_rows import row_of
from tests.http.conftest import Serve, wait_for
from tests.http.stored_things import add_dataset, add_works

AUDIO = {"file": ("song.wav", b"some sound")}


def test_works_come_a_page_at_a_time(serve: Serve) -> None:
    """Following the cursor lists each work once, in the order in which they were registered."""
    with serve() as client:
        assert client.get("/v1/works").json() == {"works": [], "next": None}
        add_works(client.app.state.service.writer, *"abcde")
        add_dataset(client.app.state.service.writer, "set")
        titles, address = [], "/v1/works?limit=2"
        while address:
            page = client.get(address).json()
            titles += [each["title"] for each in page["works"]]
            address = page["next"] and f"/v1/works?limit=2&cursor={page['next']}"
        assert titles == list("abcde")


def test_a_work_is_corrected(serve: Serve) -> None:
    """What is named changes, null removes, the rest stays; and later findings are searched again."""
    with serve() as client:
        (number,) = add_works(client.app.state.service.writer, "Rain")
        address = f"/v1/works/{number}"
        change = {"artist": " Night Bus ", "isrc": "de-a12-24-00001", "owner": "Bea"}
        assert client.patch(address, json=change).status_code == 200
        epoch = client.app.state.service.writer.epoch
        after = client.patch(address, json={"owner": None}).json()
        assert client.app.state.service.writer.epoch == epoch + 1
        assert after == client.get(address).json()
        texts = {name: after[name] for name in ("title", "artist", "isrc", "owner", "album")}
        assert texts == {
            "title": "Rain",
            "artist": "Night Bus",
            "isrc": "DEA122400001",
            "owner": None,
            "album": None,
        }


@pytest.mark.parametrize("change", [{"isrc": "nonsense"}, {"name": "x"}, {"title": ""}, [], "x"])
def test_a_wrong_correction_is_refused(serve: Serve, change: Any) -> None:
    """An unknown field, an empty text or a wrong ISRC changes nothing."""
    with serve() as client:
        (number,) = add_works(client.app.state.service.writer, "Rain")
        answer = client.patch(f"/v1/works/{number}", json=change)
        assert (answer.status_code, answer.json()["code"]) == (422, "bad_request")
        assert client.get(f"/v1/works/{number}").json()["title"] == "Rain"


def test_a_deleted_work_is_gone(serve: Serve) -> None:
    """Its row and its fingerprint are deleted; deleting it again is 404, and others stay."""
    with serve() as client:
        first, second = add_works(client.app.state.service.writer, "Rain", "Snow")
        assert client.delete(f"/v1/works/{first}").json() == {"items": 1, "fingerprints": 1, "names": 0}
        for answer in (
            client.delete(f"/v1/works/{first}"),
            client.get(f"/v1/works/{first}"),
            client.patch(f"/v1/works/{first}", json={"title": "x"}),
        ):
            assert (answer.status_code, answer.json()["code"]) == (404, "no_such_work")
        assert [each["id"] for each in client.get("/v1/works").json()["works"]] == [second]


def test_an_item_of_a_dataset_is_no_work(serve: Serve) -> None:
    """The numbers of items are shared with datasets: only those of works are answered."""
    with serve() as client:
        writer = client.app.state.service.writer
        (number,) = add_works(writer, "Rain")
        add_dataset(writer, "set")
        assert client.get(f"/v1/works/{number + 1}").status_code == 404
        assert client.delete(f"/v1/works/{number + 1}").status_code == 404


def store_list(settings: Settings, name: str) -> None:
    """Store a list of one name."""
    entry = NameEntry(place="1", artists=("Night Bus",), title="Rain")
    row = row_of(entry)
    assert row is not None
    store_names([row], settings, name=name, version="1", layout="CSV")


def test_datasets_are_listed_with_what_is_stored_of_them(serve: Serve, settings: Settings) -> None:
    """Sound and names of one dataset are one entry; versions are entries of their own, page after page."""
    with serve() as client:
        writer = client.app.state.service.writer
        for version in ("1", "2"):
            add_dataset(writer, "set", version)
        store_list(settings, "set")
        store_list(settings, "only/names")
        found, address = [], "/v1/datasets?limit=1"
        while address:
            page = client.get(address).json()
            found += page["datasets"]
            address = page["next"] and f"/v1/datasets?limit=1&cursor={page['next']}"
        shown = [(each["name"], each["version"], bool(each["sound"]), bool(each["names"])) for each in found]
        assert shown == [
            ("only/names", "1", False, True),
            ("set", "1", True, True),
            ("set", "2", True, False),
        ]
        assert client.get("/v1/datasets/set:2").json() == found[2]
        assert client.get("/v1/datasets/only/names").json() == found[0]
        assert client.get("/v1/datasets/only%2Fnames:1").json() == found[0]
        several = client.get("/v1/datasets/set")
        assert (several.status_code, several.json()["code"]) == (404, "no_such_collection")
        assert several.json()["hint"] == "choose from set:1, set:2"


def test_a_deleted_dataset_is_gone(serve: Serve, settings: Settings) -> None:
    """Its fingerprints and names are deleted; a name of several versions deletes nothing."""
    with serve() as client:
        for version in ("1", "2"):
            add_dataset(client.app.state.service.writer, "set", version)
        store_list(settings, "set")
        assert client.delete("/v1/datasets/set").status_code == 404
        assert len(client.get("/v1/datasets").json()["datasets"]) == 2
        removed = client.delete("/v1/datasets/set:1").json()
        assert removed == {"items": 2, "fingerprints": 0, "names": 1}  # version 2 holds the same recordings
        assert client.delete("/v1/datasets/set:1").status_code == 404
        assert client.delete("/v1/datasets/set").json() == {"items": 2, "fingerprints": 2, "names": 0}
        assert client.get("/v1/datasets").json() == {"datasets": [], "next": None}


def test_a_dataset_is_not_deleted_while_a_job_indexes_it(serve: Serve, gate: threading.Event) -> None:
    """409 names the job; when it has ended, the dataset can be deleted."""
    with serve(lambda *_: {"waited": gate.wait(20)}) as client:
        add_dataset(client.app.state.service.writer, "set")
        job = client.post("/v1/collections", files=AUDIO, data={"name": "set"}).headers["Location"]
        busy = client.delete("/v1/datasets/set:1")
        assert (busy.status_code, busy.json()["code"]) == (409, "dataset_busy")
        assert job in busy.json()["hint"]
        gate.set()
        wait_for(client, job)
        assert client.delete("/v1/datasets/set:1").status_code == 200
