"""Run a module in a child process that cannot outlive its parent.

``python -m earwitness.api.child_process PARENT MODULE ...``.

Before anything slow is imported, the kernel is set to end this process with its parent. So a parent that is
killed leaves no child process, not even one that is still starting.
"""

from __future__ import annotations

import gc
import os
import resource
import sys
import warnings
from importlib import import_module

from earwitness.api.printable import show_warning
from earwitness.fingerprint.lifeline import die_with_parent


def command(module: str, *arguments: str) -> list[str]:
    """Return the command line that runs `module` as a child of this process."""
    return [sys.executable, "-P", "-m", "earwitness.api.child_process", str(os.getpid()), module, *arguments]


def main() -> None:
    """Run `main` of the module that the second argument names, with the arguments that follow it."""
    die_with_parent(int(sys.argv[1]))
    warnings.showwarning = show_warning
    module = sys.argv[2]
    sys.argv = [module, *sys.argv[3:]]
    gc.disable()  # imports make many objects and no garbage
    run = import_module(module).main
    gc.freeze()
    gc.enable()
    run()


def limit_memory(memory_bytes: int) -> None:
    """Limit the memory that this process allocates, in bytes; mapped files do not count."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes, memory_bytes))


if __name__ == "__main__":
    main()
