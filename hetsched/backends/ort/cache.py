"""Compiled parts on disk: folders named by a digest, safe between processes, bounded in size.

A folder appears whole or not at all: it is filled under a temporary name, then renamed. Its use
renews its modification time; when the cache outgrows its limit, the folders not used for the
longest time go. Removing a folder whose weights are mapped is harmless on POSIX systems.
"""

import hashlib
import json
import logging
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import onnxruntime as ort

from hetsched.errors import BackendError

LIMIT_BYTES = 4 * 2**30
"""The cache's default size limit: vgg19 with its prepacked weights takes 1.1 GB."""

FORMAT = 2
"""Part of every key: raise it when the folders' content changes its meaning."""

_ABANDONED_S = 3600.0
_UNFINISHED = "new-"

_log = logging.getLogger(__name__)


def default_folder() -> Path:
    """`$XDG_CACHE_HOME/hetsched/compiled`."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "hetsched" / "compiled"


@cache
def host_key() -> str:
    """ONNX Runtime's version and the CPU's features: optimised files fit only these."""
    return f"{ort.__version__} {platform.machine()} {_cpu_features()}"


def _cpu_features() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    wanted = ("flags", "Features", "CPU part", "model name", "cache size")
    return ";".join(sorted({line for line in lines if line.startswith(wanted)}))


class Cache:
    """Folders by key.

    Attributes:
        folder: where they are.
        limit_bytes: what they may take together.
    """

    def __init__(self, folder: Path, limit_bytes: int = LIMIT_BYTES) -> None:
        """Use a folder; it is made when it is needed."""
        self.folder = folder
        self.limit_bytes = limit_bytes

    def get(self, kind: str, key: object, fill: Callable[[Path], None]) -> Path:
        """The folder of a key; made by `fill` where it doesn't exist.

        Args:
            kind: start of the folder's name, for people.
            key: anything that JSON takes; the host's key is added.
            fill: called with an empty folder.

        Raises:
            BackendError: when the cache can't be written.
        """
        digest = hashlib.sha256(json.dumps([FORMAT, host_key(), key]).encode()).hexdigest()
        found = self.folder / f"{kind}-{digest[:40]}"
        try:
            os.utime(found)
        except FileNotFoundError:
            self._make(found, fill)
        except OSError as error:
            raise BackendError(f"can't use {found}: {error.strerror}") from error
        return found

    def _make(self, target: Path, fill: Callable[[Path], None]) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            fresh = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=self.folder))
        except OSError as error:
            raise BackendError(f"can't write to {self.folder}: {error.strerror}") from error
        try:
            fill(fresh)
            fresh.rename(target)
        except OSError as error:
            if not target.is_dir():  # else another process was faster: its folder is as good
                raise BackendError(f"can't write {target}: {error.strerror}") from error
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
        self.trim(keep=target)

    def drop(self, folder: Path) -> None:
        """Remove a folder; it disappears for others at once."""
        doomed = folder.with_name(f"{_UNFINISHED}gone-{os.getpid()}-{folder.name}")
        try:
            folder.rename(doomed)
        except OSError:
            return  # someone else removed it
        shutil.rmtree(doomed, ignore_errors=True)

    def trim(self, keep: Path) -> None:
        """Remove the folders unused for longest until the rest fits; `keep` stays."""
        ages: list[tuple[float, Path, int]] = []
        for folder in self.folder.iterdir():
            used = _used_s(folder)
            if folder.name.startswith(_UNFINISHED):
                if time.time() - used > _ABANDONED_S:
                    shutil.rmtree(folder, ignore_errors=True)
            elif folder != keep:
                ages.append((used, folder, _size_bytes(folder)))
        total = _size_bytes(keep) + sum(size for _, _, size in ages)
        for _, folder, size in sorted(ages):
            if total <= self.limit_bytes:
                return
            _log.debug("compile cache is full: removing %s", folder.name)
            self.drop(folder)
            total -= size


def _used_s(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        return time.time()


def _size_bytes(folder: Path) -> int:
    total = 0
    try:
        for file in folder.iterdir():
            found = file.stat()
            total += found.st_size // found.st_nlink  # weights are linked into several folders
    except OSError:  # another process is removing it
        pass
    return total
