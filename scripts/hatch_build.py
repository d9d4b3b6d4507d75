"""Build hook of the wheel: kernels compiled ahead go into it where they can be compiled here."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

ROOT = Path(__file__).resolve().parents[1]


class CompileKernels(BuildHookInterface):  # type: ignore[type-arg]
    """Compile kernels for this Python and processor; the wheel is pure Python where that is not possible."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add the compiled library to the wheel, and name Python and processor in the name of the wheel."""
        if version == "editable":
            return  # scripts/setup.sh compiles for a checkout
        done = subprocess.run([sys.executable, ROOT / "scripts" / "compile_kernels.py"], check=False)
        if done.returncode:
            self.app.display_warning("kernels are not compiled ahead: every first run compiles them")
            return
        build_data["pure_python"], build_data["infer_tag"] = False, True
        build_data["artifacts"].append(f"src/earwitness/compiled/*{sysconfig.get_config_var('SOABI')}*")
