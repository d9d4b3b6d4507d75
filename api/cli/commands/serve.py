"""``earwitness serve``: run the HTTP service."""

from __future__ import annotations

from typing import Annotated

import typer

from earwitness.api.cli.options import Home, settings_of, to_stderr


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to listen on [EARWITNESS_HOST, else 127.0.0.1]")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Port [EARWITNESS_PORT, else 8765]")
    ] = None,
    home: Home = None,
) -> None:
    """Serve over HTTP until interrupted; no other process can write to this home meanwhile."""
    from earwitness.api.cli.kernel_warmup import compile_kernels
    from earwitness.api.http.server import serve as serve_http

    settings = settings_of(home)
    compile_kernels(to_stderr())
    serve_http(settings, host=host or settings.host, port=settings.port if port is None else port)
