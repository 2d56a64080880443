"""Reading workload files."""

import hashlib
import math
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from hetsched.errors import WorkloadError
from hetsched.soc.keys import explain
from hetsched.workload.arrivals import Replay
from hetsched.workload.fields import decode, encode
from hetsched.workload.model import App, Workload
from hetsched.workload.variation import Measured

_ZOO = "zoo:"


def load_workload(path: str | Path) -> Workload:
    """Read and check a workload file; the paths in it become relative to where it is.

    Raises:
        WorkloadError: naming the file, the key, and what would be accepted.
    """
    source = Path(path)
    try:
        raw = tomllib.loads(source.read_text(encoding="utf-8"))
    except OSError as error:
        raise WorkloadError(f"workload {source} can't be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise WorkloadError(f"workload {source} is not TOML: {error}") from error
    return _at_home(parse_workload(raw, str(source)), source.parent)


def parse_workload(raw: Mapping[str, Any], origin: str) -> Workload:
    """Check the content of a file.

    Args:
        raw: what the TOML parser made of it.
        origin: the file's name, for messages.

    Raises:
        WorkloadError: naming the file, the key, and what would be accepted.
    """
    for place, value in _numbers(raw, ""):
        if not math.isfinite(value):
            raise WorkloadError(f"workload {origin}: {place} is {value}: give a number")
    try:
        return msgspec.convert(raw, Workload, dec_hook=decode)
    except msgspec.ValidationError as error:
        said = _explained(str(error))
        raise WorkloadError(f"workload {origin}: {said}") from error


def workload_sha256(workload: Workload) -> str:
    """Digest of a workload and of the files that it names, wherever they lie.

    Raises:
        WorkloadError: naming a file that can't be read.
    """
    digest = hashlib.sha256()
    bare: list[App] = []
    for app in workload.apps:
        named = _named_files(app)
        for path in named.values():
            digest.update(_file_digest(path))
        bare.append(_renamed(app, {key: Path(path).name for key, path in named.items()}))
    plain = msgspec.structs.replace(workload, apps=tuple(bare))
    digest.update(msgspec.json.encode(plain, enc_hook=encode, order="sorted"))
    return digest.hexdigest()


def _file_digest(path: str) -> bytes:
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").digest()
    except OSError as error:
        raise WorkloadError(f"{path} can't be read: {error.strerror}") from error


def read_times_ns(path: str | Path) -> list[int]:
    """Times of arrival from a text file, one a line in seconds.

    Raises:
        WorkloadError: naming the file, the line and what would be accepted.
    """
    source = Path(path)
    try:
        lines = source.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise WorkloadError(f"arrival times {source} can't be read: {error}") from error
    found: list[int] = []
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if not text:
            continue
        at_ns = _time_ns(text)
        if at_ns is None or (found and at_ns < found[-1]):
            raise WorkloadError(
                f"arrival times {source}, line {number}: {text!r}: give seconds since the start, "
                "0 or more, in rising order"
            )
        found.append(at_ns)
    if not found:
        raise WorkloadError(f"arrival times {source} is empty: give one time a line, in seconds")
    return found


def _time_ns(text: str) -> int | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return round(seconds * 1e9) if 0 <= seconds < math.inf else None


def _numbers(value: Any, place: str) -> Iterator[tuple[str, float]]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _numbers(inner, f"{place}.{key}" if place else key)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _numbers(inner, f"{place}[{index}]")
    elif isinstance(value, float):
        yield place, value


def _explained(message: str) -> str:
    """As `explain`, with the kinds of arrivals, which is where msgspec names none."""
    if message.startswith("Invalid value") and "arrivals.kind" in message:
        return f"{explain(Workload, message)}: take periodic, poisson, bursty, trace or closed"
    if message.startswith("Invalid value") and "variation.kind" in message:
        return f"{explain(Workload, message)}: take lognormal, quantiles or trace"
    return explain(Workload, message)


def _at_home(workload: Workload, folder: Path) -> Workload:
    apps = tuple(
        _renamed(app, {key: str(folder / path) for key, path in _named_files(app).items()})
        for app in workload.apps
    )
    return msgspec.structs.replace(workload, apps=apps)


def _named_files(app: App) -> dict[str, str]:
    """Files that an app names, by key."""
    found: dict[str, str] = {}
    if app.plan is not None:
        found["plan"] = app.plan
    if app.model is not None and not app.model.startswith(_ZOO):
        found["model"] = app.model
    if app.chain is not None:
        found["chain"] = app.chain.file
    if isinstance(app.arrivals, Replay):
        found["arrivals"] = app.arrivals.file
    if isinstance(app.variation, Measured):
        found["variation"] = app.variation.file
    return found


def _renamed(app: App, paths: Mapping[str, str]) -> App:
    changed: dict[str, Any] = {key: paths[key] for key in ("plan", "model") if key in paths}
    if app.chain is not None:
        changed["chain"] = msgspec.structs.replace(app.chain, file=paths["chain"])
    if isinstance(app.arrivals, Replay):
        changed["arrivals"] = Replay(file=paths["arrivals"])
    if isinstance(app.variation, Measured):
        changed["variation"] = msgspec.structs.replace(app.variation, file=paths["variation"])
    return msgspec.structs.replace(app, **changed) if changed else app
