"""Notices as an Atom feed (RFC 4287)."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urljoin
from xml.etree import ElementTree

from earwitness.api.answers.messages import Messages
from earwitness.api.watch.notice_words import notice_headline, notice_sentences
from earwitness.index.notices.notice_records import Notice

MEDIA_TYPE: Final = "application/atom+xml"
ATOM: Final = "http://www.w3.org/2005/Atom"
PROGRAM: Final = "earwitness"


def atom_feed(notices: Sequence[Notice], t: Messages, *, base: str, home: str, every: bool) -> bytes:
    """Return a feed of notices, newest first.

    Parameters
    ----------
    base : str
        Address of the server.
    home : str
        What tells this home from others: the feed has its id from it.
    every : bool
        Whether notices that nothing was found are among them.
    """
    ElementTree.register_namespace("", ATOM)
    feed = ElementTree.Element(_atom("feed"), {"xml:lang": t.language})
    address = urljoin(base, f"v1/notices.atom{'?every=true' if every else ''}")
    _text(feed, "id", f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, f'earwitness notices {home} {every}')}")
    _text(feed, "title", t("feed.title"))
    newest = notices[0].created_at if notices else datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    _text(feed, "updated", newest)
    _text(ElementTree.SubElement(feed, _atom("author")), "name", PROGRAM)
    _link(feed, "self", address, kind=MEDIA_TYPE)
    for notice in notices:
        _add_entry(feed, notice, t, base)
    text: bytes = ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)
    return text


def _add_entry(feed: ElementTree.Element, notice: Notice, t: Messages, base: str) -> None:
    entry = ElementTree.SubElement(feed, _atom("entry"))
    _text(entry, "id", f"urn:uuid:{uuid.UUID(notice.message_id.removeprefix('msg_'))}")
    _text(entry, "title", notice_headline(notice.contents, t))
    _text(entry, "published", notice.created_at)
    _text(entry, "updated", notice.created_at)
    _link(entry, "alternate", urljoin(base, f"v1/notices/{notice.id}"), kind="application/json")
    evidence = urljoin(base, f"v1/notices/{notice.id}/evidence")
    _link(entry, "related", evidence, kind="application/json")
    ElementTree.SubElement(entry, _atom("category"), {"term": notice.outcome})
    content = _text(entry, "content", "\n".join(notice_sentences(notice.contents, t)))
    content.set("type", "text")


def _text(parent: ElementTree.Element, name: str, text: str) -> ElementTree.Element:
    element = ElementTree.SubElement(parent, _atom(name))
    element.text = text
    return element


def _link(parent: ElementTree.Element, relation: str, address: str, *, kind: str) -> None:
    ElementTree.SubElement(parent, _atom("link"), {"rel": relation, "href": address, "type": kind})


def _atom(name: str) -> str:
    return f"{{{ATOM}}}{name}"
