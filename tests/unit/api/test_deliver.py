"""Notices are delivered signed, under one id, until the address takes them; never to a private address."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from standardwebhooks import Webhook, WebhookVerificationError

from earwitness.api.settings import Settings
from earwitness.api.watch import webhook_request
from earwitness.api.watch.deliver import DELAYS_S, SET_ASIDE_AFTER_S, Delivered, deliver_due, set_address
from earwitness.api.watch.watch_errors import BadWebhook
from earwitness.api.watch.watching import begin_watch
from earwitness.api.watch.webhook_request import DeliveryFailed, checked_url, send
from earwitness.index.notices.delivery_rows import Deliveries
from tests.unit.api.made_watch import Made, MadeHome, add_work, made_home

__all__ = ["made_home"]


class Receiver(ThreadingHTTPServer):
    """A server of this machine that answers with given statuses, and keeps what it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.statuses: list[int] = []
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.paths: list[str] = []

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}/hook?of=me"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(({name.lower(): each for name, each in self.headers.items()}, body))
        self.server.paths.append(self.path)
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 204)
        self.send_header("Location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A running receiver."""
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


class Clock:
    """The time, which a test moves on."""

    def __init__(self) -> None:
        self.now = 1e9

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """In the place of the time at which notices are due."""
    clock = Clock()
    monkeypatch.setattr("earwitness.index.notices.delivery_rows.time.time", clock)
    return clock


@pytest.fixture
def waiting(made_home: MadeHome, receiver: Receiver, clock: Clock) -> Deliveries:
    """A home with one notice that is to be sent to the receiver."""
    made_home.settings = made_home.settings.model_copy(update={"webhook_private": True})
    deliveries = Deliveries(made_home.writer.catalog, tenant="local")
    set_address(deliveries, made_home.settings, receiver.url, every=False)
    work = add_work(made_home.writer, 0, title="Rain")
    begin_watch(made_home.writer, made_home.settings, [work.id])
    made_home.index("set", "1", [Made(seed=5, work=work)])
    made_home.index("empty", "1", [Made(seed=6)])
    return deliveries


def test_a_notice_is_sent_again_until_it_is_taken(
    made_home: MadeHome, waiting: Deliveries, receiver: Receiver, clock: Clock
) -> None:
    """After two failures it is taken at the third attempt: same id, same body, each validly signed."""
    receiver.statuses = [503, 302]
    hook = waiting.webhook()
    assert hook is not None
    for attempt, delay_s in enumerate((DELAYS_S[0], DELAYS_S[1]), start=1):
        done = deliver_due(waiting, made_home.settings)
        assert (done.n_sent, done.set_aside, len(receiver.received)) == (0, False, attempt)
        clock.now += delay_s - 1
        assert deliver_due(waiting, made_home.settings) == Delivered(), "it is not due yet"
        clock.now += 2
    assert deliver_due(waiting, made_home.settings) == Delivered(n_sent=1)
    assert receiver.paths == ["/hook?of=me"] * 3, "no redirect is followed"
    assert len({headers["webhook-id"] for headers, _ in receiver.received}) == 1
    assert len({body for _, body in receiver.received}) == 1
    for headers, body in receiver.received:
        assert Webhook(hook.secret).verify(body, headers)["type"] == "notice.created"
        with pytest.raises(WebhookVerificationError):
            Webhook(hook.secret).verify(body + b" ", headers)
    sent = json.loads(receiver.received[0][1])["data"]
    assert (sent["outcome"], sent["work"]["title"], sent["headline"]) == ("match", "Rain", "Rain is in set:1")
    (silent, taken) = made_home.notices.page(limit=9)
    assert (silent.delivery, taken.delivery, taken.attempts) == ("none", "sent", 3)
    assert waiting.count_pending() == 0


def test_an_address_that_fails_for_days_is_set_aside(
    made_home: MadeHome, waiting: Deliveries, receiver: Receiver, clock: Clock
) -> None:
    """Then nothing is sent to it until it is set again, which takes up what waits, with the same secret."""
    receiver.statuses = [500] * 100
    began_at, before = clock.now, waiting.webhook()
    assert before is not None
    while not deliver_due(waiting, made_home.settings).set_aside:
        clock.now = waiting.next_due() or 0
    assert SET_ASIDE_AFTER_S <= clock.now - began_at < SET_ASIDE_AFTER_S + DELAYS_S[-1]
    n_tried, clock.now = len(receiver.received), clock.now + 1e6
    assert deliver_due(waiting, made_home.settings) == Delivered()
    assert (len(receiver.received), waiting.count_pending()) == (n_tried, 1)
    receiver.statuses = []
    hook, is_new = set_address(waiting, made_home.settings, receiver.url, every=False)
    assert (hook.secret, is_new, hook.set_aside_at) == (before.secret, False, None)
    assert deliver_due(waiting, made_home.settings) == Delivered(n_sent=1)


def test_an_address_that_wants_no_more_is_set_aside_at_once(
    made_home: MadeHome, waiting: Deliveries, receiver: Receiver
) -> None:
    """410 Gone ends the deliveries, as Standard Webhooks define it."""
    receiver.statuses = [410]
    assert deliver_due(waiting, made_home.settings).set_aside


def test_a_private_address_gets_nothing(made_home: MadeHome, waiting: Deliveries, receiver: Receiver) -> None:
    """Without the setting no connection is made to this machine, by number or by name, whatever is stored."""
    strict = Settings(home=made_home.settings.home)
    assert not strict.webhook_private
    done = deliver_due(waiting, strict)
    assert done.failure is not None and not receiver.received
    port = receiver.server_port
    for host in ("127.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::ffff:127.0.0.1]", "169.254.169.254"):
        with pytest.raises(DeliveryFailed, match="is not a public address"):
            send(f"https://{host}:{port}/", b"{}", message_id="m", secret="whsec_QUFB", allow_private=False)
    assert not receiver.received


def test_an_answer_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slowly an address answers, an attempt ends; it is a failure."""
    monkeypatch.setattr(webhook_request, "ANSWER_S", 0.3)
    ended = threading.Event()

    def drip(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, suppress(OSError):
            while not ended.wait(0.05):
                connection.sendall(b"HTTP/1.1 200 OK"[:1])

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip, args=(listening,))
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/"
        with pytest.raises(DeliveryFailed):
            send(url, b"{}", message_id="m", secret="whsec_QUFB", allow_private=True)
        ended.set()
        thread.join()


def test_an_address_without_a_trusted_certificate_gets_nothing(receiver: Receiver) -> None:
    """With https the certificate is verified: who answers without one is sent nothing."""
    url = f"https://127.0.0.1:{receiver.server_port}/"
    with pytest.raises(DeliveryFailed):
        send(url, b"{}", message_id="m", secret="whsec_QUFB", allow_private=True)
    assert not receiver.received


def test_a_notice_is_sent_over_tls(
    receiver: Receiver, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a certificate that this machine trusts, the notice arrives as it does without TLS."""
    certificate = own_certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    receiver.socket = context.wrap_socket(receiver.socket, server_side=True)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    url = receiver.url.replace("http:", "https:").replace("127.0.0.1", "localhost")
    send(url, b"{}", message_id="m", secret="whsec_QUFB", allow_private=True)
    ((headers, body),) = receiver.received
    assert (headers["host"], headers["webhook-id"], body) == (f"localhost:{receiver.server_port}", "m", b"{}")


def own_certificate(folder: Path) -> Path:
    """Write a certificate of this machine and its key, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    day = timedelta(days=1)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - day)
        .not_valid_after(datetime.now(UTC) + day)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path = folder / "certificate.pem"
    path.write_bytes(certificate.public_bytes(pem) + private)
    return path


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "ftp://example.org/",
        "https:///x",
        "https://user:word@example.org/",
        "https://example.org/#part",
        "https://example.org/a b",
        "https://example.org/\r\nX: y",
        "https://example.org:99999/",
        "https://exämple.org/",
        "https://example.org/" + "x" * 3_000,
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    """Only https without a user, a password, a fragment or signs that could end a line is taken."""
    with pytest.raises(BadWebhook) as refused:
        checked_url(url, allow_private=False)
    assert "https" in refused.value.hint


def test_a_removed_address_gets_nothing(made_home: MadeHome, waiting: Deliveries, receiver: Receiver) -> None:
    """What waited is not sent, not even to an address that is set later; its secret is another."""
    first = waiting.webhook()
    assert waiting.remove_webhook() and not waiting.remove_webhook()
    hook, is_new = set_address(waiting, made_home.settings, receiver.url, every=True)
    assert first is not None and is_new and hook.secret != first.secret
    assert deliver_due(waiting, made_home.settings) == Delivered()
    assert not receiver.received


def test_an_address_may_want_every_notice(made_home: MadeHome, receiver: Receiver) -> None:
    """Then it gets those that nothing was found as well, oldest first."""
    settings = made_home.settings.model_copy(update={"webhook_private": True})
    deliveries = Deliveries(made_home.writer.catalog, tenant="local")
    set_address(deliveries, settings, receiver.url, every=True)
    work = add_work(made_home.writer, 0)
    begin_watch(made_home.writer, settings, [work.id])
    for version in ("1", "2", "3"):
        made_home.index("set", version, [Made(seed=6)])
    assert deliver_due(deliveries, settings) == Delivered(n_sent=3)
    sent = [json.loads(body)["data"]["dataset"]["version"] for _, body in receiver.received]
    assert sent == ["1", "2", "3"]
