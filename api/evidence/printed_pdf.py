"""The printed page of an answer as a PDF, by WeasyPrint, which the extra ``pdf`` installs."""

from __future__ import annotations

from earwitness.api.evidence.evidence_errors import NoPdfLibrary
from earwitness.api.evidence.printed_answer import PrintedAnswer


def pdf_of(page: PrintedAnswer) -> bytes:
    """Return a page as a tagged PDF; nothing is fetched for it.

    Raises
    ------
    NoPdfLibrary
        When WeasyPrint, or Pango which it draws text with, is not installed.
    """
    try:
        from weasyprint import HTML
        from weasyprint.urls import URLFetcher
    except (ImportError, OSError) as error:
        reason = str(error).splitlines()[0]
        raise NoPdfLibrary(reason=reason) from error
    only_embedded = URLFetcher(allowed_protocols=("data",))
    document = HTML(string=page.text, url_fetcher=only_embedded)
    pdf: bytes = document.write_pdf(pdf_tags=True)
    return pdf
