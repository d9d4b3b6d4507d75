"""``python -m earwitness``: the command line."""

from earwitness.api.cli import main

main()
