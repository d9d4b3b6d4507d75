"""Addresses at which one can write about a dataset, as its card states them.

A card may come with a pack, from anybody: an address is a web address (https) or an e-mail address
(mailto) in a narrow form, without user names, ports, headers or spaces, and everything is short.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

KINDS: Final = ("opt_out", "takedown", "maintainer", "issues")
"""What an address is for, the most fitting for a letter first.

``opt_out``: requests to be left out; ``takedown``: notices of rights holders; ``maintainer``: whoever
maintains the dataset; ``issues``: a place in public, such as a list of issues or a mailing list.
"""
MOST_CONTACTS: Final = 8
"""Most addresses of one card."""
MOST_ADDRESS_CHARS: Final = 300
MOST_SOURCE_CHARS: Final = 300

_LABEL: Final = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST: Final = rf"(?:{_LABEL}\.)+[A-Za-z]{{2,63}}"
WEB_ADDRESS: Final = rf"https://{_HOST}(?:/[A-Za-z0-9/._~%!$&'()*+,;=:@?#-]*)?"
MAIL_ADDRESS: Final = rf"mailto:[A-Za-z0-9][A-Za-z0-9._+-]{{0,63}}@{_HOST}"
_ADDRESS: Final = re.compile(f"{WEB_ADDRESS}|{MAIL_ADDRESS}")
_MAILTO: Final = "mailto:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """One address, with where that is stated.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    address : str
        ``https://...`` or ``mailto:name@host``.
    source : str
        Where it is stated: an address, or a package with its version and file.
    seen : str
        Date of the source; where it has none, the day on which it was read: YYYY-MM-DD.
    """

    kind: str
    address: str
    source: str
    seen: str

    @property
    def shown(self) -> str:
        """The address as people write it: an e-mail address without ``mailto:``."""
        return self.address.removeprefix(_MAILTO)


def contacts_of(fields: object) -> tuple[Contact, ...]:
    """Parse the addresses of a card, sorted by what they are for.

    Raises
    ------
    ValueError
        When they have not the form of the schema.
    """
    if not isinstance(fields, list) or len(fields) > MOST_CONTACTS:
        raise ValueError(f"contact is no list of at most {MOST_CONTACTS} addresses")
    return tuple(sorted(map(_contact_of, fields), key=lambda each: KINDS.index(each.kind)))


def contact_json(contact: Contact) -> dict[str, str]:
    """Return an address in the form of the schema."""
    return asdict(contact)


def is_address(text: str) -> bool:
    """Return whether a text is a web or an e-mail address that may be shown as a link."""
    return len(text) <= MOST_ADDRESS_CHARS and _ADDRESS.fullmatch(text) is not None


def _contact_of(fields: object) -> Contact:
    if not isinstance(fields, Mapping) or set(fields) != {"kind", "address", "source", "seen"}:
        raise ValueError("a contact has not exactly kind, address, source and seen")
    texts: dict[str, Any] = dict(fields)
    if not all(isinstance(each, str) for each in texts.values()):
        raise ValueError("a value of a contact is no text")
    if texts["kind"] not in KINDS:
        raise ValueError(f"a contact is of none of the kinds {', '.join(KINDS)}")
    if not is_address(texts["address"]):
        raise ValueError("the address of a contact is no https or mailto address")
    if not 1 <= len(texts["source"]) <= MOST_SOURCE_CHARS or not texts["source"].isprintable():
        raise ValueError("the source of a contact is no short text")
    if not _is_date(texts["seen"]):
        raise ValueError("the date of a contact is not YYYY-MM-DD")
    return Contact(**texts)


def _is_date(text: str) -> bool:
    try:
        return len(text) == len("YYYY-MM-DD") and date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
