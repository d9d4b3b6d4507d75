"""The HTML templates of the server's pages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.responses import HTMLResponse

WEB: Final = Path(__file__).parent.parent / "web"
TEMPLATES: Final = Environment(
    loader=FileSystemLoader(WEB / "templates"),
    autoescape=select_autoescape(default=True),
    trim_blocks=True,
    lstrip_blocks=True,
)


def render_page(
    template: str, *, status: int = 200, headers: Mapping[str, str] | None = None, **values: object
) -> HTMLResponse:
    """Return a filled template as a response that no cache keeps."""
    text = TEMPLATES.get_template(template).render(values)
    return HTMLResponse(text, status, headers={"Cache-Control": "no-store", **(headers or {})})
