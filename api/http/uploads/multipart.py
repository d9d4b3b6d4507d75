"""A multipart form read as a stream: text fields are stored, the file's bytes are handed on at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from earwitness.api.http.http_errors import BadForm, NotAForm

FILE_PART: Final = "file"
MAX_FIELDS: Final = 32
MAX_FIELD_BYTES: Final = 4_096


@dataclass(slots=True)
class FilePart:
    """One file of a form: its name, and the bytes of it that were read and not yet taken."""

    name: str
    data: bytearray = field(default_factory=bytearray)


@dataclass(slots=True)
class _Part:
    headers: dict[bytes, bytes] = field(default_factory=dict)
    header_name: bytes = b""
    header_value: bytes = b""
    name: str = ""
    text: bytearray | None = None  # None: this part is a file


class Form:
    """A parser: `feed` it chunks, `take` the file's bytes after each, and read `fields` after `close`.

    Parameters
    ----------
    content_type : str
        The request's Content-Type header, which names the boundary.
    max_files : int
        Most files of the form.
    max_field_bytes : int
        Most bytes of a text field.
    needs_file : bool
        Whether a form without a file is refused.

    Raises
    ------
    NotAForm
        From the constructor.
    BadForm
        From the constructor, `feed` and `close`.
    """

    def __init__(
        self,
        content_type: str,
        *,
        max_files: int = 1,
        max_field_bytes: int = MAX_FIELD_BYTES,
        needs_file: bool = True,
    ) -> None:
        kind, options = parse_options_header(content_type)
        if kind != b"multipart/form-data":
            raise NotAForm
        if not options.get(b"boundary"):
            raise BadForm(reason="its Content-Type names no boundary")
        self.fields: dict[str, list[str]] = {}
        self.files: list[FilePart] = []
        self._max_files, self._max_field_bytes = max_files, max_field_bytes
        self._needs_file = needs_file
        self._part = _Part()
        self._n_parts, self._ended = 0, False
        try:
            self._parser = MultipartParser(options[b"boundary"], self._callbacks())  # type: ignore[arg-type]
        except FormParserError as error:
            raise BadForm(reason=str(error)) from error

    def feed(self, chunk: bytes) -> None:
        """Read one more chunk of the body."""
        try:
            self._parser.write(chunk)
        except FormParserError as error:
            raise BadForm(reason=str(error)) from error

    @property
    def file_name(self) -> str | None:
        """The client's name of the first file; None before it has begun."""
        return self.files[0].name if self.files else None

    def take(self) -> bytes:
        """Return the bytes of the first file that were read since the last call."""
        return next((data for number, data in self.take_all() if number == 0), b"")

    def take_all(self) -> list[tuple[int, bytes]]:
        """Return the number of each file of which bytes were read since the last call, and these bytes."""
        taken = [(number, bytes(file.data)) for number, file in enumerate(self.files) if file.data]
        for number, _ in taken:
            self.files[number].data.clear()
        return taken

    def close(self) -> None:
        """End the body; a form that stops in the middle, or lacks a needed file, is refused."""
        if not self._ended:
            raise BadForm(reason="it ends in the middle")
        if self._needs_file and not self.files:
            raise BadForm(reason=f"it holds no file part named {FILE_PART!r}")

    def _callbacks(self) -> dict[str, object]:
        return {
            "on_part_begin": self._begin_part,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": self._part_data,
            "on_part_end": self._end_part,
            "on_end": self._end,
        }

    def _begin_part(self) -> None:
        self._n_parts += 1
        most = MAX_FIELDS + self._max_files - 1
        if self._n_parts > most:
            raise BadForm(reason=f"it has more than {most} parts")
        self._part = _Part()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._part.header_name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._part.header_value += data[start:end]

    def _end_header(self) -> None:
        part = self._part
        part.headers[part.header_name.lower()] = part.header_value
        part.header_name = part.header_value = b""

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._part.headers.get(b"content-disposition", b""))
        self._part.name = label(options.get(b"name", b""))
        if b"filename" not in options:
            self._part.text = bytearray()
            return
        if self._part.name != FILE_PART or len(self.files) >= self._max_files:
            allowed = "exactly one file" if self._max_files == 1 else f"at most {self._max_files} files"
            raise BadForm(reason=f"it needs {allowed}, in parts named {FILE_PART!r}")
        self.files.append(FilePart(name=label(options[b"filename"]) or "upload"))

    def _part_data(self, data: bytes, start: int, end: int) -> None:
        if self._part.text is None:
            self.files[-1].data += data[start:end]
            return
        self._part.text += data[start:end]
        most = self._max_field_bytes
        if len(self._part.text) > most:
            raise BadForm(reason=f"the field {self._part.name!r} is longer than {most} bytes")

    def _end_part(self) -> None:
        if self._part.text is not None:
            value = self._part.text.decode("utf-8", "replace").strip()
            self.fields.setdefault(self._part.name, []).append(value)

    def _end(self) -> None:
        self._ended = True


def label(raw: bytes) -> str:
    """Return a client's file name as printable text; it is only shown, never used as a path."""
    text = raw.decode("utf-8", "replace").replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)[:255]
