"""The command line. Its entrance imports nothing heavy: each command imports what it needs when it runs."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path


def main() -> None:
    """Run ``earwitness``; the exit status says what became of it (see `earwitness.api.cli.app`)."""
    leave_current_folder()
    from earwitness.api.cli.app import app
    from earwitness.api.cli.command_guard import told
    from earwitness.api.cli.console import ready_streams
    from earwitness.api.printable import show_warning

    ready_streams()
    warnings.showwarning = show_warning
    try:
        app()
    except OSError as error:  # from the parser's own printing, such as that of --help
        sys.exit(told(error))


def leave_current_folder() -> None:
    """Take the current folder off the import path: a user's ``api.py`` is no part of this program."""
    here, ours = Path.cwd(), Path(__file__).absolute().parents[3]
    sys.path[:] = [path for path in sys.path if path and (Path(path) != here or here == ours)]
