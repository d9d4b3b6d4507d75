"""Sets up the server's log: one line an event, as text or as JSON, to stderr."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any, Final, TextIO, cast

import structlog
from structlog.typing import Processor

from earwitness.api.settings import Settings

_SHARED: Final[tuple[Processor, ...]] = (
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def log_to_stderr(settings: Settings) -> None:
    """Log events of this program and of uvicorn in one form; tracebacks never hold values of variables."""
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    last: tuple[Processor, ...] = _as_json() if settings.log_format == "json" else (_as_text(),)
    stream = cast(TextIO, Unfailing(sys.stderr))
    structlog.configure(
        processors=[*_SHARED, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(stream),
    )
    handler = logging.StreamHandler(stream)
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        foreign_pre_chain=list(_SHARED),
    )
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler], force=True)


def _as_text() -> Processor:
    return structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)


def _as_json() -> tuple[Processor, ...]:
    return (structlog.processors.format_exc_info, _one_line, structlog.processors.JSONRenderer())


def _one_line(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Leave out what uvicorn adds for terminals."""
    event.pop("color_message", None)
    return event


class Unfailing:
    """A stream that drops what cannot be written, as its reader may be gone or its disk full."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write, if that can be done."""
        try:
            return self._stream.write(text)
        except (OSError, ValueError):
            return 0

    def flush(self) -> None:
        """Flush, if that can be done."""
        with suppress(OSError, ValueError):
            self._stream.flush()
