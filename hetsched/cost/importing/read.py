"""The door: which format a file has, and its rows."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path

from hetsched.cost.importing import mnn, ncnn, onnxruntime, table, tflite
from hetsched.cost.importing.record import ImportedCost, Text, Wanted
from hetsched.cost.importing.source import read_text
from hetsched.errors import CostError

_READERS: Mapping[str, Callable[[Text, Wanted], list[ImportedCost]]] = {
    onnxruntime.NAME: onnxruntime.read,
    tflite.NAME: tflite.read,
    ncnn.NAME: ncnn.read,
    mnn.NAME: mnn.read,
    table.NAME: table.read,
}
_LOOKS_LIKE: Mapping[str, Callable[[Text], bool]] = {
    onnxruntime.NAME: onnxruntime.is_profile,
    tflite.NAME: tflite.is_log,
    mnn.NAME: mnn.is_log,
    ncnn.NAME: ncnn.is_log,
    table.NAME: table.is_table,
}
FORMATS = tuple(_READERS)


def read_measurements(
    path: Path,
    *,
    format: str | None,
    unit: str,
    dtype: str | None,
    threads: int | None,
    only: str | None = None,
) -> list[ImportedCost]:
    """The rows of a file that another tool wrote.

    Args:
        path: the file.
        format: one of FORMATS; None to find out.
        unit: of the profile, that was measured.
        dtype: arithmetic dtype, where the file doesn't say; a file that says another is refused.
        threads: likewise.
        only: the provider, delegate or backend whose rows to take, where the file has several.

    Raises:
        CostError: naming the file, the line, the field and the remedy. Nothing is taken then.
    """
    text = read_text(path)
    found = detect(text)
    chosen = found if format is None else _known(format)
    if chosen is None:
        raise CostError(
            f"{path.name} has no form that is known ({', '.join(FORMATS)}): copy the tool's whole "
            f"output, or write a CSV with the columns op or model and time_ms; "
            f"nothing was imported"
        )
    if found is not None and chosen != found:
        raise CostError(
            f"{path.name} is no {chosen} file, it looks like {found}: give --format {found}, or "
            f"leave the option out; nothing was imported"
        )
    return _READERS[chosen](text, Wanted(unit=unit, dtype=dtype, threads=threads, only=only))


def detect(text: Text) -> str | None:
    """The format that a file looks like, None for none of them."""
    return next((name for name, looks in _LOOKS_LIKE.items() if looks(text)), None)


def _known(name: str) -> str:
    if name in _READERS:
        return name
    near = get_close_matches(name.lower(), FORMATS, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise CostError(f"format {name!r} is unknown: {hint}known are {', '.join(FORMATS)}")
