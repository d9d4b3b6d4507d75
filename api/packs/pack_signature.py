"""Signatures of packs: Ed25519 over the canonical manifest, as a JWS with detached contents (RFC 7515, 7797).

The JWS carries the public key; its fingerprint is the key's thumbprint (RFC 7638). Whether the key is
accepted is for `earwitness.api.packs.pack_keys`.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from earwitness.api.packs.pack_errors import KeyUnusable, PackSignatureWrong

if TYPE_CHECKING:
    from joserfc.jwk import OKPKey  # loaded only where a pack is signed or read

ALGORITHM: Final = "Ed25519"
MAX_SIGNATURE_BYTES: Final = 4096
_PUBLIC: Final = ("crv", "kty", "x")


def create_key(path: Path) -> str:
    """Write a new signing key that only its owner may read, and return its fingerprint.

    Raises
    ------
    KeyUnusable
        When the file exists already or cannot be written.
    """
    from joserfc.jwk import OKPKey

    key = OKPKey.generate_key(ALGORITHM)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.as_pem(private=True))
    except OSError as error:
        raise KeyUnusable(path=str(path), reason=error.strerror or str(error)) from error
    fingerprint: str = key.thumbprint()
    return fingerprint


def read_key(path: Path) -> OKPKey:
    """Read a signing key.

    Raises
    ------
    KeyUnusable
    """
    from joserfc.errors import JoseError
    from joserfc.jwk import OKPKey

    try:
        key = OKPKey.import_key(path.read_bytes())
    except OSError as error:
        raise KeyUnusable(path=str(path), reason=error.strerror or str(error)) from error
    except (JoseError, ValueError, TypeError) as error:
        raise KeyUnusable(path=str(path), reason="it is no Ed25519 key in PEM form") from error
    if key.curve_name != ALGORITHM or not key.is_private:
        raise KeyUnusable(path=str(path), reason="it is no private Ed25519 key")
    return key


def sign(manifest: bytes, key: OKPKey) -> bytes:
    """Return the detached JWS of a manifest."""
    from joserfc import jws

    signed = jws.serialize_compact(_header(key), manifest, key, algorithms=[ALGORITHM])
    detached: str = jws.detach_content(signed)
    return detached.encode()


def signer_of(signature: bytes, manifest: bytes, *, path: str) -> str:
    """Return the fingerprint of the key that signed a manifest.

    Raises
    ------
    PackSignatureWrong
        When the signature is not of this manifest, or no JWS of the expected kind.
    """
    from joserfc import jws
    from joserfc.errors import JoseError
    from joserfc.jwk import OKPKey
    from joserfc.util import json_b64encode

    try:
        header = jws.extract_compact(signature, payload=manifest).headers()
        if header.keys() != {"alg", "jwk"} or header["alg"] != ALGORITHM:
            raise PackSignatureWrong(path=path, reason="it is of another kind")
        key = OKPKey.import_key({name: header["jwk"][name] for name in _PUBLIC})
        jws.deserialize_compact(signature, key, algorithms=[ALGORITHM], payload=manifest)
    except (JoseError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PackSignatureWrong(path=path, reason=f"{type(error).__name__}") from error
    if key.curve_name != ALGORITHM or json_b64encode(_header(key)) != signature.split(b".", 1)[0]:
        raise PackSignatureWrong(path=path, reason="it is not in the form that is written")
    fingerprint: str = key.thumbprint()
    return fingerprint


def _header(key: OKPKey) -> dict[str, Any]:
    public = key.as_dict(private=False)
    return {"alg": ALGORITHM, "jwk": {name: public[name] for name in _PUBLIC}}
