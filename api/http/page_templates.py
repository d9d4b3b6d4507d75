"""The HTML templates of the server's pages, filled in the reader's language."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from starlette.requests import Request
from starlette.responses import HTMLResponse

from earwitness.api.answers.messages import LANGUAGES, Messages, chosen_language, messages

WEB: Final = Path(__file__).parent.parent / "web"
TEMPLATES: Final = Environment(
    loader=FileSystemLoader(WEB / "templates"),
    autoescape=select_autoescape(default=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
LANGUAGE: Final = "lang"
"""Parameter and cookie with the language that the reader chose."""
YEAR_S: Final = 365 * 86_400


def messages_of(request: Request) -> Messages:
    """Return the messages of a reader: by the link that was followed, an earlier choice, or the browser."""
    wanted = request.query_params.get(LANGUAGE) or request.cookies.get(LANGUAGE)
    return messages(chosen_language(wanted, request.headers.get("accept-language", "")))


def render_page(
    request: Request,
    template: str,
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    refresh_s: int | None = None,
    **values: object,
) -> HTMLResponse:
    """Return a filled template as a response that no cache keeps.

    Parameters
    ----------
    refresh_s : int or None
        Seconds after which the page reloads itself.
    """
    t = messages_of(request)
    offered = LANGUAGES if request.method == "GET" else {}  # a link cannot send a form again
    text = TEMPLATES.get_template(template).render(t=t, languages=offered, refresh_s=refresh_s, **values)
    fixed = {"Cache-Control": "no-store", "Content-Language": t.language}
    page = HTMLResponse(text, status, headers={**fixed, **(headers or {})})
    if request.query_params.get(LANGUAGE) in LANGUAGES:
        page.set_cookie(LANGUAGE, t.language, max_age=YEAR_S, httponly=True, samesite="strict")
    return page
