"""The command line. Each command imports heavy modules only when it runs, so that ``--help`` is fast."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path


def main() -> None:
    """Run ``earwitness``; see `earwitness.api.cli.app` for its exit statuses."""
    leave_current_folder()
    from earwitness.api.cli.app import app
    from earwitness.api.cli.command_guard import report_error
    from earwitness.api.cli.console import ready_streams
    from earwitness.api.printable import show_warning

    ready_streams()
    warnings.showwarning = show_warning
    try:
        app()
    except OSError as error:  # raised while the parser prints, for example for --help
        sys.exit(report_error(error))


def leave_current_folder() -> None:
    """Take the current folder off the import path, so that a user's modules there are not imported."""
    here, own = Path.cwd(), Path(__file__).absolute().parents[3]
    sys.path[:] = [path for path in sys.path if path and (Path(path) != here or here == own)]
