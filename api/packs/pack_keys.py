"""Keys of other people whose packs this home accepts, by their fingerprints."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from earwitness.api.packs.pack_errors import KeyUnusable, PackKeyUnknown, PackNotSigned
from earwitness.index.store.files import write_durably

KEYS_FILE: Final = "accepted-keys.json"
_FINGERPRINT: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptedKey:
    """A key whose packs are accepted; `owner` is what the user calls its owner."""

    fingerprint: str
    owner: str
    accepted_at: str


def accepted_keys(folder: Path) -> list[AcceptedKey]:
    """Return the accepted keys of the folder of packs.

    Raises
    ------
    KeyUnusable
        When the file of keys is damaged.
    """
    file = folder / KEYS_FILE
    try:
        return [AcceptedKey(**each) for each in json.loads(file.read_bytes())]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError) as error:
        raise KeyUnusable(path=str(file), reason=f"it is damaged ({error})") from error


def accept_key(folder: Path, fingerprint: str, owner: str) -> None:
    """Accept packs that were signed with a key.

    Raises
    ------
    KeyUnusable
        When the text is no fingerprint of a key.
    """
    if _FINGERPRINT.fullmatch(fingerprint) is None:
        raise KeyUnusable(path=fingerprint, reason="it is no fingerprint of 43 characters")
    known = [each for each in accepted_keys(folder) if each.fingerprint != fingerprint]
    accepted_at = datetime.now(UTC).strftime("%Y-%m-%d")
    _write(folder, [*known, AcceptedKey(fingerprint=fingerprint, owner=owner, accepted_at=accepted_at)])


def forget_key(folder: Path, fingerprint: str) -> bool:
    """Accept no more packs of a key; return whether it was accepted. Packs that were added stay."""
    known = accepted_keys(folder)
    left = [each for each in known if each.fingerprint != fingerprint]
    if len(left) < len(known):
        _write(folder, left)
    return len(left) < len(known)


def _write(folder: Path, keys: list[AcceptedKey]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps([asdict(each) for each in keys], indent=1).encode()
    write_durably(folder / KEYS_FILE, lambda keep: keep(text))


def require_accepted(folder: Path, signer: str | None, *, path: str, unsigned: bool) -> None:
    """Require that a pack was signed with an accepted key.

    Raises
    ------
    PackNotSigned
        When nobody signed it, and `unsigned` is false.
    PackKeyUnknown
    """
    if signer is None:
        if not unsigned:
            raise PackNotSigned(path=path)
    elif signer not in {each.fingerprint for each in accepted_keys(folder)}:
        raise PackKeyUnknown(path=path, fingerprint=signer)
