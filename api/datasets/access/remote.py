"""Remote sources (s3, gs, http, https) through fsspec; public addresses only, unless others are allowed.

The address of every connection is checked when its socket is made, so neither a redirect nor a host name that
changes its address between two look-ups leads to a private address.
"""

from __future__ import annotations

import io
import ipaddress
import socket
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypeVar
from urllib.parse import urlsplit

from earwitness.api.datasets.access.byte_streams import reason
from earwitness.api.datasets.access.locations import Location
from earwitness.api.datasets.entries.resolve_path import check_entry, is_url
from earwitness.api.datasets.item_errors import ItemUnreadable, PathEscapes, PrivateItem
from earwitness.api.datasets.names import climbs_out, label
from earwitness.api.datasets.source_errors import (
    AddressRefused,
    MissingExtra,
    RemoteFailed,
    SourceError,
    SourceNotFound,
    UnknownScheme,
)

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

T = TypeVar("T")

_WEB: Final = frozenset({"http", "https"})
SCHEMES: Final = frozenset({"s3", "gs", "gcs"}) | _WEB
_BLOCK_BYTES: Final = 1 << 20
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


def is_remote(source: str) -> bool:
    """Whether a source is a URL that fsspec should open."""
    return source.partition("://")[0].lower() in SCHEMES and is_url(source)


def check_scheme(source: str) -> None:
    """Raise `UnknownScheme` for a URL of a scheme that is not read."""
    scheme = source.partition("://")[0].lower()
    if is_url(source) and len(scheme) <= 20 and scheme not in SCHEMES:
        raise UnknownScheme(source=label(source), scheme=label(scheme), schemes=tuple(sorted(SCHEMES)))


def is_public(address: str) -> bool:
    """Whether an IP address is public, also when it is written as an IPv6 form of an IPv4 address."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast


def _is_web(url: str) -> bool:
    return url.partition("://")[0].lower() in _WEB


class Guard:
    """Makes sockets to public addresses only; ``refused`` is the last address that it refused."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self.refused: str | None = None

    def check_host(self, host: str) -> None:
        """Look up a host and raise `AddressRefused` when any of its addresses is not public."""
        if self._allow_private:
            return
        try:
            addresses = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except (OSError, ValueError) as error:  # ValueError: an invalid host name
            raise RemoteFailed(url=label(host), reason=reason(error)) from error
        for *_, address in addresses:
            if not is_public(str(address[0])):
                raise AddressRefused(host=host, address=str(address[0]))

    def socket(self, info: tuple[int, int, int, str, tuple[Any, ...]]) -> socket.socket:
        """Make the socket for one connection after checking its address."""
        family, kind, protocol, _, address = info
        if not self._allow_private and not is_public(str(address[0])):
            self.refused = str(address[0])
            raise PermissionError(f"{address[0]} is not a public address")
        return socket.socket(family, kind, protocol)


@dataclass(frozen=True, slots=True)
class Remote:
    """Opens URLs; one guard checks all connections."""

    guard: Guard
    _systems: dict[str, Any] = field(default_factory=dict)
    """One file system for each scheme, because connecting to a bucket takes seconds."""

    def place(self, url: str, *, name: str | None = None) -> Location:
        """The file at ``url``; only its size is requested."""
        system, path = self._system(url)
        size = self._request(url, lambda: system.info(path).get("size"))
        return self._place(system, path, name=name or path.rpartition("/")[2], size=size)

    def item(self, url: str) -> Location:
        """The file at ``url`` as an item of a manifest: a failure is the item's error."""
        try:
            return self.place(url, name=label(url))
        except AddressRefused as error:
            raise PrivateItem(name=label(url), detail=error.address) from error
        except SourceError as error:
            raise ItemUnreadable(name=label(url), detail=error.message) from error

    def is_folder(self, url: str) -> bool:
        """Whether ``url`` is a prefix with objects below it; False for a web page."""
        if _is_web(url):
            return False
        system, path = self._system(url)
        return bool(self._request(url, lambda: system.isdir(path)))

    def listing(self, url: str) -> Callable[[], Iterator[Location]]:
        """List everything below a prefix, in the byte order of the names; a web site is not crawled."""

        def list_files() -> Iterator[Location]:
            if _is_web(url):
                return
            system, path = self._system(url)
            files = self._request(url, lambda: system.find(path, detail=True))
            for key in sorted(files, key=lambda key: key.encode("utf-8", "surrogateescape")):
                yield self._place(
                    system, key, name=key.removeprefix(path).lstrip("/"), size=files[key].get("size")
                )

        return list_files

    def _place(self, system: Any, path: str, *, name: str, size: int | None) -> Location:
        def open_file() -> BinaryIO:
            try:
                stream = self._request(path, lambda: system.open(path, "rb", block_size=_BLOCK_BYTES))
            except SourceError as error:  # the source is open: a part of it fails
                raise OSError(error.message) from error
            return io.BufferedReader(_RemoteStream(stream), _BLOCK_BYTES)

        return Location(name=label(name), open=open_file, size=size)

    def _system(self, url: str) -> tuple[Any, str]:
        scheme = url.partition("://")[0].lower()
        if scheme not in SCHEMES:
            raise RemoteFailed(
                url=label(url), reason=f"{label(scheme)} is not one of {', '.join(sorted(SCHEMES))}"
            )
        if scheme in _WEB:
            self.guard.check_host(_host_of(url))
        if scheme not in self._systems:
            self._systems[scheme] = _http(self.guard) if scheme in _WEB else _bucket(self.guard, scheme)
        system = self._systems[scheme]
        return system, str(system._strip_protocol(url))

    def _request(self, url: str, call: Callable[[], T]) -> T:
        """Call a remote library; raise a `SourceError` in place of its exceptions."""
        self.guard.refused = None
        try:
            return call()
        except _remote_errors() as error:
            if self.guard.refused is not None:
                raise AddressRefused(host=label(url), address=self.guard.refused) from error
            raise _failure(url, error) from error


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError as error:
        raise RemoteFailed(url=label(url), reason=reason(error)) from error


def _failure(url: str, error: Exception) -> SourceError:
    """Convert a library's exception; fsspec's HTTP raises "not found" for any failure, so read its cause."""
    cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
    status = getattr(cause, "status", 404 if isinstance(cause, FileNotFoundError) else None)
    return (
        SourceNotFound(source=label(url))
        if status == 404
        else RemoteFailed(url=label(url), reason=reason(cause))
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteRoot:
    """Resolves the entries of a remote manifest: URLs, and paths below the manifest's own prefix."""

    remote: Remote
    base: str
    """URL of the manifest's folder, with its final slash."""

    def place(self, text: str) -> Location:
        """The file that ``text`` names."""
        check_entry(text)
        if is_url(text):
            return self.remote.item(text)
        if climbs_out(text):
            raise PathEscapes(name=label(text))
        return replace(self.remote.item(self.base + text), name=label(text))

    def guess(self, stems: Sequence[str]) -> Location | None:  # noqa: ARG002 (part of the protocol)
        """None: each guess would be a request."""
        return None


class _RemoteStream(io.RawIOBase):
    """A remote file that raises `OSError` in place of its library's exceptions."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Whether the server supports ranges."""
        return bool(self._stream.seekable())

    def seek(self, offset: int, whence: int = 0, /) -> int:
        """Move to a position; `OSError` where the server does not support ranges."""
        try:
            return int(self._stream.seek(offset, whence))
        except ValueError as error:
            raise OSError(f"this server does not support ranges: {error}") from error

    def tell(self) -> int:
        """The position."""
        return int(self._stream.tell())

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        """Fill ``buffer`` from one read."""
        view = memoryview(buffer).cast("B")
        try:
            data = self._stream.read(len(view))
        except _remote_errors() as error:
            raise OSError(reason(error)) from error
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        """Close the connection."""
        if not self.closed:
            self._stream.close()
        super().close()


def _remote_errors() -> tuple[type[Exception], ...]:
    """The exceptions of fsspec's file systems and of those libraries that are loaded."""
    errors: list[type[Exception]] = [OSError, ValueError, RuntimeError, TimeoutError, NotImplementedError]
    if aiohttp := sys.modules.get("aiohttp"):
        errors.append(aiohttp.ClientError)
    if botocore := sys.modules.get("botocore.exceptions"):
        errors += [botocore.BotoCoreError, botocore.ClientError]
    return tuple(errors)


def _http(guard: Guard) -> Any:
    try:
        import aiohttp
        from fsspec.implementations.http import HTTPFileSystem
    except ImportError as error:
        raise MissingExtra(scheme="http", library="aiohttp") from error

    async def client(**settings: Any) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(connector=aiohttp.TCPConnector(socket_factory=guard.socket), **settings)

    return HTTPFileSystem(get_client=client, block_size=_BLOCK_BYTES, skip_instance_cache=True)


def _bucket(guard: Guard, scheme: str) -> Any:
    import fsspec

    try:
        if scheme == "s3":
            settings = {"connector_args": {"socket_factory": guard.socket}}
            system = fsspec.filesystem("s3", config_kwargs=settings, skip_instance_cache=True)
            # an endpoint from the AWS configuration is checked like any other host
            system.connect()
            guard.check_host(urlsplit(system._s3.meta.endpoint_url).hostname or "")
            return system
        fsspec.get_filesystem_class(scheme)  # fails before any request where the library is missing
        guard.check_host("storage.googleapis.com")
        return fsspec.filesystem(scheme, skip_instance_cache=True)
    except ImportError as error:
        raise MissingExtra(scheme=scheme, library="s3fs" if scheme == "s3" else "gcsfs") from error
