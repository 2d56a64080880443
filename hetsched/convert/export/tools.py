"""Environments of tools whose requirements clash with ours: made on demand, kept in the cache."""

import hashlib
import logging
import os
import shutil
import subprocess
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hetsched.data import cache_dir
from hetsched.errors import ExportError

_READY = "hetsched-ready"
_LINES_KEPT = 12

_OURS = ("PIP_CONSTRAINT", "PIP_BUILD_CONSTRAINT", "PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
"""Environment variables that are about hetsched's own environment."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """A tool and what it takes.

    Attributes:
        name: of the tool, for people and for the folder in the cache.
        requirements: as pip takes them.
        size: what they take on disk, for people.
        modules: what must import where it is installed.
    """

    name: str
    requirements: tuple[str, ...]
    size: str
    modules: tuple[str, ...]

    def folder(self) -> Path:
        """Where the cache has it; other requirements make another folder."""
        digest = hashlib.sha256(" ".join(self.requirements).encode()).hexdigest()[:8]
        return cache_dir() / "tools" / f"{self.name}-{digest}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """Finds, makes and runs tool environments.

    Attributes:
        given: an environment to use in place of the cache's.
        make: whether a missing one that the export takes may be made.
        prove: whether a missing one that only proves the export is made too.
    """

    given: Path | None = None
    make: bool = True
    prove: bool = False

    def python(self, kit: Kit) -> Path:
        """The Python of the kit's environment, made now where it is missing.

        Raises:
            ExportError: when the given one lacks the tool, or none may or can be made.
        """
        found = self.find(kit)
        if found is not None:
            return found
        if not self.make:
            raise ExportError(
                f"{kit.name} isn't installed: leave out --no-tools to have it installed into "
                f"{kit.folder()} ({kit.size}), or name an environment that has it with --tool-env"
            )
        return _make(kit)

    def find(self, kit: Kit) -> Path | None:
        """The Python of an environment that is there, None where there is none yet.

        Raises:
            ExportError: when the given one lacks the tool.
        """
        if self.given is not None:
            return _checked(self.given, kit)
        folder = kit.folder()
        return _python(folder) if (folder / _READY).is_file() else None

    def run(self, kit: Kit, arguments: Sequence[str | Path], folder: Path) -> str:
        """Run the environment's Python with these arguments; what it printed.

        Args:
            kit: whose environment.
            arguments: of Python: `-m`, a module, its arguments.
            folder: to run in.

        Raises:
            ExportError: with the tool's own message when it fails.
        """
        return _run([self.python(kit), *arguments], kit.name, folder)


def _python(folder: Path) -> Path:
    return folder / ("Scripts" if os.name == "nt" else "bin") / "python"


def _checked(folder: Path, kit: Kit) -> Path:
    python = _python(folder.absolute())  # it is run in other folders; links stay: they are the venv
    if not python.is_file():
        raise ExportError(f"{folder} is no virtual environment: it has no {python.name} in it")
    script = "import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, sys.argv[1:])))"
    done = subprocess.run([python, "-c", script, *kit.modules], check=False, capture_output=True)
    if done.returncode:
        raise ExportError(
            f"{folder} lacks {kit.name}: install {' '.join(kit.requirements)} there, or leave out "
            f"--tool-env"
        )
    return python


def _make(kit: Kit) -> Path:
    folder = kit.folder()
    log.info("%s isn't there yet: installing it into %s, about %s", kit.name, folder, kit.size)
    shutil.rmtree(folder, ignore_errors=True)
    try:
        venv.create(folder, with_pip=True)
    except (OSError, subprocess.CalledProcessError) as error:
        raise ExportError(f"{folder} can't be made for {kit.name}: {error}") from error
    pip: list[str | Path] = [_python(folder), "-m", "pip", "install", "--quiet", *kit.requirements]
    try:
        _run(pip, f"installing {kit.name}", folder)
    except (ExportError, KeyboardInterrupt):
        shutil.rmtree(folder, ignore_errors=True)
        raise
    (folder / _READY).write_text("\n".join(kit.requirements) + "\n", encoding="utf-8")
    return _python(folder)


def _run(command: Sequence[str | Path], what: str, folder: Path) -> str:
    kept = {name: value for name, value in os.environ.items() if name not in _OURS}
    try:
        done = subprocess.run(
            command, cwd=folder, env=kept, capture_output=True, text=True, errors="replace",
            check=False,
        )  # fmt: skip
    except OSError as error:
        raise ExportError(f"{what} can't be started: {error}") from error
    if done.returncode:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]
        said = " | ".join(line.strip() for line in lines[-_LINES_KEPT:])
        raise ExportError(f"{what} failed with exit code {done.returncode}: {said or 'no message'}")
    return done.stdout
