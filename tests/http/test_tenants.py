"""One server for several tenants: every route as one tenant, with what another tenant owns."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from fastapi.routing import APIRoute
from pydantic import SecretStr
from starlette.routing import Route
from starlette.testclient import TestClient
from typer.testing import CliRunner

from earwitness.api.answers.card_index import CardIndex
from earwitness.api.cli.app import app
from earwitness.api.evidence import match_figure
from earwitness.api.evidence.evidence_bundle import evidence_bundle, evidence_file, home_key
from earwitness.api.evidence.pictures_json import pictures_file, to_bytes
from earwitness.api.finding_json import from_json, to_line
from earwitness.api.http import application, pages
from earwitness.api.http.http_errors import BadKeyRecord
from earwitness.api.http.jobs.fair_queue import FairQueue
from earwitness.api.http.jobs.findings_journal import findings_file
from earwitness.api.http.jobs.heartbeat import Heartbeat
from earwitness.api.http.protection.api_keys import KeyRecord, KeyRing, mint
from earwitness.api.http.service import Service, own_service, service_of
from earwitness.api.settings import Settings
from earwitness.api.shelf.stored_names import open_names, store_names
from earwitness.index.database.records import Failure
from earwitness.index.match import Verdict
from earwitness.index.names.name_entries import NameEntry
from earwitness.index.names.stored_rows import row_of
from earwitness.index.store.jobs import Job
from tests.contract.conftest import POSTGRES, postgres_addresses
from tests.http.conftest import Serve, spool_of, wait_for
from tests.http.stored_things import add_dataset, add_notice, add_works
from tests.http.test_key_scopes import ROUTES, filled
from tests.http.test_pages import finding_of
from tests.unit.api.made_pictures import PICTURE

MARK: Final = "zebra"
"""In every text that the other tenant stores, and in its name."""
BATCH: Final = "a" * 32
AUDIO: Final = {"file": ("song.wav", b"RIFF some sound")}
ROW: Final = {"works": [{"artist": "Night Bus", "title": "Intro"}]}
TABLE: Final = {"file": ("works.csv", b"artist,title\nNight Bus,Intro\n")}
Expected = tuple[dict[str, Any], frozenset[int]]


def sends(*statuses: int, **request: Any) -> Expected:
    """Return a request without an object in its path, and the statuses of its answer."""
    return request, frozenset(statuses)


WITHOUT_OBJECT: Final[dict[tuple[str, str], Expected]] = {
    ("DELETE", "/v1/webhook"): sends(404),
    ("GET", "/"): sends(200),
    ("GET", "/catalogue"): sends(200),
    ("GET", "/livez"): sends(200),
    ("GET", "/metrics"): sends(403),
    ("GET", "/mine"): sends(200),
    ("GET", "/openapi.json"): sends(200),
    ("GET", "/readyz"): sends(200),
    ("GET", "/robots.txt"): sends(200),
    ("GET", "/v1/collections"): sends(200),
    ("GET", "/v1/datasets"): sends(200),
    ("GET", "/v1/jobs"): sends(200),
    ("GET", "/v1/notices"): sends(200),
    ("GET", "/v1/notices.atom"): sends(200, params={"every": True}),
    ("GET", "/v1/webhook"): sends(404),
    ("GET", "/v1/works"): sends(200),
    ("GET", "/v2/lookup"): sends(400),
    ("POST", "/catalogue"): sends(409, files={"file": ("", b"")}, data={"works": "Night Bus - Intro"}),
    ("POST", "/check"): sends(409, files=AUDIO),
    ("POST", "/register"): sends(303, files=AUDIO, follow_redirects=False),
    ("POST", "/v1/catalogue"): sends(200, json=ROW),
    ("POST", "/v1/catalogue/checks"): sends(409, json=ROW),
    ("POST", "/v1/catalogue/checks/file"): sends(409, files=TABLE),
    ("POST", "/v1/catalogue/file"): sends(200, files=TABLE),
    ("POST", "/v1/checks"): sends(409, files=AUDIO, data={"collections": f"{MARK}-set"}),
    ("POST", "/v1/collections"): sends(409, files=AUDIO, params={"scan": True}),
    ("POST", "/v1/scans"): sends(409, files=AUDIO),
    ("POST", "/v1/works"): sends(202, files=AUDIO),
    ("POST", "/v2/lookup"): sends(400),
    ("PUT", "/v1/webhook"): sends(200, json={"url": "https://192.0.2.1/"}),
}
"""Every route that has no object in its path: its answer names nothing of another tenant."""
BODIES: Final[dict[tuple[str, str], dict[str, Any]]] = {
    ("PATCH", "/v1/works/{work_id}"): {"json": {"title": "taken"}},
    ("POST", "/mine/{work_id}"): {"data": {"title": "taken"}},
    ("POST", "/mine/{work_id}/delete"): {"data": {"confirm": "yes"}},
    ("POST", "/mine/{work_id}/watch"): {"data": {"watch": "on"}},
}
"""What is sent to routes with an object, where they need something."""


@pytest.fixture(params=["sqlite", "postgres"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Settings of a server whose catalog lies in its home, or in PostgreSQL."""
    own = Settings(home=tmp_path / "home", max_upload_bytes=100_000, webhook_private=True)
    if request.param == "sqlite":
        yield own
        return
    if POSTGRES is None:
        pytest.skip("EARWITNESS_TEST_POSTGRES names no database")
    own.home.mkdir()
    with postgres_addresses() as address:
        yield own.model_copy(update={"database_url": SecretStr(address(own.home))})


class Tenants:
    """A served home with two tenants, and what each sees."""

    def __init__(self, client: TestClient, keys: dict[str, str]) -> None:
        self.client, self._keys = client, keys

    def service(self, tenant: str) -> Service:
        """Return the service of a tenant."""
        found: Service = self.client.app.state.service.tenants[tenant]  # type: ignore[attr-defined]
        return found

    def ask(self, tenant: str, method: str, address: str, **request: Any) -> Any:
        """Send a request with the key of a tenant."""
        headers = {"Authorization": f"Bearer {self._keys[tenant]}"}
        return self.client.request(method, address, headers=headers, **request)


OpenTenants = Callable[..., AbstractContextManager[Tenants]]


@pytest.fixture
def tenants(serve: Serve) -> OpenTenants:
    """Serve a home to the tenants ``zebra`` and ``mouse``: ``with tenants(work) as opened``."""
    pairs = {tenant: mint(tenant) for tenant in (MARK, "mouse")}

    @contextmanager
    def opened(*work: Any) -> Iterator[Tenants]:
        with serve(*work, api_keys=tuple(str(record) for _, record in pairs.values())) as client:
            yield Tenants(client, {tenant: key for tenant, (key, _) in pairs.items()})

    return opened


def owned(service: Service) -> list[dict[str, object]]:
    """Store something of every kind for a tenant; return the values of all parameters of paths."""
    service.sender.stop(patience_s=10)
    (work,) = add_works(service.writer, f"{MARK} song")
    add_dataset(service.writer, f"{MARK}-set")
    notice = add_notice(service.writer, work)
    objects = {"work_id": work, "notice_id": notice, "dataset": f"{MARK}-set:1", "number": 0}
    objects["batch_id"] = BATCH
    return [{**objects, "job_id": make(service)} for make in (done_job, failed_job, queued_job)]


def done_job(service: Service) -> str:
    """Store a check with its answer, its evidence, a figure and findings."""
    job, _ = service.jobs.enqueue("check", {"file": f"{MARK}.wav"}, batch=BATCH)
    claimed = service.jobs.claim(["check"])
    assert claimed is not None
    finding, home = finding_of(Verdict.MATCH), service.settings.home
    service.jobs.finish(claimed, finding)
    bundle = evidence_bundle(
        [from_json(finding)],
        CardIndex({}),
        state_digest="ab" * 32,
        answered_at=datetime(2026, 11, 30, tzinfo=UTC),
        key=home_key(service.settings),
    )
    evidence_file(home, job.id).write_bytes(bundle)
    pictures_file(home, job.id).write_bytes(to_bytes((PICTURE,)))
    findings_file(home, job.id).write_text(to_line(from_json(finding)))
    return job.id


def failed_job(service: Service) -> str:
    """Store a check that can be tried again."""
    job = service.jobs.get(queued_job(service))
    claimed = service.jobs.claim(["check"])
    assert job is not None and claimed is not None
    service.jobs.fail(claimed, Failure(code="internal", message="x", hint="x"))
    return job.id


def queued_job(service: Service) -> str:
    """Store a check that waits."""
    upload = service.spool.folder / f"{len(spool_of(service.settings))}"
    upload.write_bytes(b"some sound")
    job, _ = service.jobs.enqueue("check", {"file": f"{MARK}.wav"}, spool_path=upload, batch=BATCH)
    return job.id


def seen(opened: Tenants, tenant: str, objects: list[dict[str, object]]) -> dict[str, tuple[int, bytes]]:
    """Return everything that a tenant can read."""
    answers = {}
    for values in objects:
        for method, path in ROUTES:
            if method == "GET" and path not in {"/metrics", "/v2/lookup"}:
                address = filled(path, **values)
                answer = opened.ask(tenant, "GET", address)
                answers[address] = answer.status_code, answer.content
    return answers


def without(text: str, values: dict[str, object]) -> str:
    """Return a text without the values that a path had, and without what differs in every answer."""
    for value in sorted(map(str, values.values()), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", "…", text)
    return text


def missing(values: dict[str, object]) -> dict[str, object]:
    """Return values of the same form that name nothing."""
    other = {"job_id": "0" * 32, "batch_id": "f" * 32, "dataset": "horse-set:1"}
    return {**dict.fromkeys(values, 999_999), "number": values["number"], **other}


def test_nothing_of_another_tenant_is_there(tenants: OpenTenants, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every route answers as if what another tenant owns did not exist, and changes nothing of it."""
    monkeypatch.setattr(match_figure, "draw_match", lambda *_: b"PNG")
    monkeypatch.setattr(FairQueue, "claim", lambda *_, **__: None)  # what is queued stays so
    monkeypatch.setattr(pages, "SLOWEST_REFRESH_S", 1)  # a page is asked again less often as time goes by
    with tenants() as opened:
        objects = owned(opened.service(MARK))
        before = seen(opened, MARK, objects)
        found = {status for status, _ in before.values()}
        assert found <= {200, 404} and sum(status == 200 for status, _ in before.values()) > 25
        for values in objects:
            walk(opened, "mouse", values)
        for (method, path), (request, statuses) in WITHOUT_OBJECT.items():
            answer = opened.ask("mouse", method, path, **request)
            assert answer.status_code in statuses, (method, path, answer.text)
            text = f"{answer.headers} {answer.text}".replace(f"{MARK}-set does not", "")
            assert MARK not in text, (method, path, answer.text)
        assert seen(opened, MARK, objects) == before


def walk(opened: Tenants, tenant: str, values: dict[str, object]) -> None:
    """Assert that each route with an object answers as for one that nobody owns."""
    for method, path in ROUTES:
        if "{" not in path:
            continue
        request = BODIES.get((method, path), {})
        here, nowhere = filled(path, **values), filled(path, **missing(values))
        answer = opened.ask(tenant, method, here, **request)
        control = opened.ask(tenant, method, nowhere, **request)
        assert (answer.status_code, control.status_code) == (404, 404), (method, path, answer.text)
        assert without(answer.text, values) == without(control.text, missing(values)), (method, path)
        assert MARK not in without(answer.text, values), (method, path)


def test_every_route_has_a_case(serve: Serve) -> None:
    """A new route without an object in its path needs a case; one with an object is walked without."""
    with serve() as client:
        plain = [each for each in client.app.routes if isinstance(each, Route)]
        rest = [each for each in client.app.routes if not isinstance(each, Route)]
        described = {
            (method.upper(), path)
            for path, operations in client.app.openapi()["paths"].items()
            for method in operations
        }
    served = {(method, re.sub(r":\w+}", "}", path)) for method, path in ROUTES}
    assert described <= served
    served |= {(method, each.path) for each in plain for method in each.methods or () if method != "HEAD"}
    assert len(rest) == len(application.ROUTES) + 1  # the routers, and the static files
    assert {each for each in served if "{" not in each[1]} == WITHOUT_OBJECT.keys()


def test_routes_get_the_service_of_the_keys_tenant() -> None:
    """Only whether the server is ready is answered from what is not the tenant's."""
    used = {service_of: set[str](), own_service: set[str]()}
    for module in application.ROUTES:
        for route in module.router.routes:
            assert isinstance(route, APIRoute)
            for each in route.dependant.dependencies:
                assert each.call in used, route.path
                used[each.call].add(route.path)
    assert used[own_service] == {"/readyz"} and len(used[service_of]) > 30


@pytest.mark.parametrize("kept_by", ["zebra", "mouse"])
def test_two_tenants_use_one_idempotency_key(tenants: OpenTenants, kept_by: str) -> None:
    """The same key with the same upload is a job for each; each sees its own, and repeats it."""
    with tenants() as opened:
        headers = {"params": None, "files": AUDIO, "data": {"title": "Rain"}}
        sent = {
            tenant: [
                opened.client.post(
                    "/v1/works",
                    headers={"Authorization": f"Bearer {opened._keys[tenant]}", "Idempotency-Key": "one"},
                    **headers,  # type: ignore[arg-type]
                ).json()["id"]
                for _ in range(2)
            ]
            for tenant in (MARK, "mouse")
        }
        assert all(len(set(ids)) == 1 for ids in sent.values())
        assert sent[MARK][0] != sent["mouse"][0]
        (listed,) = opened.ask(kept_by, "GET", "/v1/jobs").json()["jobs"]
        assert listed["id"] == sent[kept_by][0]


def test_many_jobs_of_one_tenant_keep_no_other_waiting(tenants: OpenTenants, gate: threading.Event) -> None:
    """Lanes take turns: the only job of a tenant is done after one job of another, not after all of them."""
    begun = list[str]()

    def work(job: Job, _: Heartbeat) -> dict[str, Any]:
        begun.append(job.tenant)
        gate.wait(30)
        return {}

    with tenants(work) as opened:
        many = [opened.ask(MARK, "POST", "/v1/works", files=AUDIO) for _ in range(8)]
        one = opened.ask("mouse", "POST", "/v1/works", files=AUDIO)
        assert "place" not in one.json()  # it says nothing of how many jobs another tenant has
        gate.set()
        for tenant, answer in (("mouse", one), (MARK, many[-1])):
            done(opened, tenant, answer.headers["Location"])
        assert begun.index("mouse") <= 1 and begun.count(MARK) == len(many)


def done(opened: Tenants, tenant: str, address: str) -> None:
    """Wait until a job of a tenant is done."""
    opened.client.headers["Authorization"] = f"Bearer {opened._keys[tenant]}"
    assert wait_for(opened.client, address)["state"] == "done"
    del opened.client.headers["Authorization"]


def test_jobs_of_all_tenants_go_on_at_the_next_start(tenants: OpenTenants) -> None:
    """A server that ended with jobs of several tenants does all of them when it starts again."""
    addresses = {}
    with tenants() as opened:
        opened.service(MARK).runner.stop(patience_s=10)
        for tenant in (MARK, "mouse"):
            addresses[tenant] = f"/v1/jobs/{queued_job(opened.service(tenant))}"
            claimed = opened.service(tenant).jobs.claim(["check"])  # as a server that is killed leaves it
            assert claimed is not None
        settings = opened.service(MARK).settings
    assert len(spool_of(settings)) == 2
    with tenants() as opened:
        for tenant, address in addresses.items():
            done(opened, tenant, address)
    assert spool_of(settings) == []


def test_names_are_of_the_home_and_only_its_own_tenant_deletes_them(serve: Serve, settings: Settings) -> None:
    """Lists that the operator indexed are searched for every tenant, and stay when another deletes them."""
    pairs = {tenant: mint(tenant) for tenant in ("local", "mouse")}
    row = row_of(NameEntry(place="1", artists=("Night Bus",), title="Intro", album=None, ids=()))
    with serve(api_keys=tuple(str(record) for _, record in pairs.values())) as client:
        opened = Tenants(client, {tenant: key for tenant, (key, _) in pairs.items()})
        assert row is not None
        store_names([row], settings, name="names", version="1", layout="CSV")
        add_dataset(opened.service("mouse").writer, "names")
        assert opened.ask("mouse", "POST", "/v1/catalogue/checks", json=ROW).status_code == 200
        assert opened.ask("mouse", "DELETE", "/v1/datasets/names:1").json()["names"] == 0
        assert opened.ask("mouse", "DELETE", "/v1/datasets/names:1").status_code == 404
        assert len(open_names(settings)) == 1
        assert opened.ask("local", "DELETE", "/v1/datasets/names:1").json()["names"] == 1
        assert open_names(settings) == []


def test_works_by_name_are_their_tenants(tenants: OpenTenants) -> None:
    """A tenant that stores a list another stored has new works; its own are known again."""
    with tenants() as opened:
        new = [
            opened.ask(each, "POST", "/v1/catalogue", json=ROW).json()["new"]
            for each in (MARK, "mouse", MARK)
        ]
        assert new == [1, 1, 0]


def test_metrics_and_readiness_are_the_operators(serve: Serve) -> None:
    """A key of the server's own tenant reads the numbers of all tenants; no name of one is among them."""
    pairs = {tenant: mint(tenant) for tenant in ("local", MARK)}
    with serve(api_keys=tuple(str(record) for _, record in pairs.values())) as client:
        opened = Tenants(client, {tenant: key for tenant, (key, _) in pairs.items()})
        opened.service(MARK).runner.stop(patience_s=10)
        assert opened.ask(MARK, "POST", "/v1/works", files=AUDIO).status_code == 503
        opened.service(MARK).jobs.enqueue("work", {"file": MARK})
        assert opened.ask(MARK, "GET", "/metrics").json()["code"] == "operator_only"
        page = opened.ask("local", "GET", "/metrics").text
        assert 'earwitness_jobs{state="queued"} 1.0' in page and MARK not in page
        assert MARK not in client.get("/readyz").text


def test_feeds_of_two_tenants_have_two_ids(tenants: OpenTenants) -> None:
    """A reader of both keeps them apart."""
    with tenants() as opened:
        texts = [opened.ask(each, "GET", "/v1/notices.atom").text for each in (MARK, "mouse")]
        ids = [re.findall("<id>(.*?)</id>", text) for text in texts]
        assert all(len(each) == 1 for each in ids) and ids[0] != ids[1]


def test_a_key_of_two_tenants_is_refused() -> None:
    """A record that was edited by hand for a second tenant would make it unclear whom the key acts for."""
    _, record = mint("zebra")
    again = KeyRecord.parse(str(record).replace("zebra:", "mouse:"))
    assert KeyRing([str(record), str(record)]).tenants == ("local", "zebra")
    with pytest.raises(BadKeyRecord):
        KeyRing([str(record), str(again)])


@pytest.mark.parametrize(("name", "status"), [("studio-a", 0), ("Studio A", 2)])
def test_the_command_makes_a_key_for_a_tenant(tmp_path: Path, name: str, status: int) -> None:
    """The record names the tenant that was given; a name that no record can hold is refused."""
    arguments = ["--home", str(tmp_path), "keys", "create", "--tenant", name, "--json"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == status, done.output
    if not status:
        record = KeyRecord.parse(json.loads(done.stdout)["record"])
        assert record is not None and record.tenant == name
