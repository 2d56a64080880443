"""What the compile cache knows about a compiled region, and the check that it is still true."""

import zlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from hetsched.backends.ort.cut import Cut
from hetsched.errors import BackendError

RECORD_FILE = "parts.json"


class Value(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that a part reads or makes.

    Attributes:
        name: in the part.
        maker: index of the stage that makes it, when it is private to the region; None when it is
            a tensor of the model.
    """

    name: str
    maker: int | None


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One stage's part.

    Attributes:
        file: None when optimising left nothing of the stage.
        crc: of the file.
        inputs: what it reads.
        outputs: what it makes.
    """

    file: str | None
    crc: int
    inputs: tuple[Value, ...]
    outputs: tuple[Value, ...]


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The parts of a region, and a check on the weights that they share.

    Attributes:
        weights: file name, size in bytes, modification time in ns; None where there is no file.
        parts: one per stage.
    """

    weights: tuple[str, int, int] | None
    parts: tuple[Part, ...]


def write_record(
    cut: Cut, tensors: frozenset[str], files: Sequence[str | None], weights: str, folder: Path
) -> None:
    """Describe a region's parts in its folder.

    Args:
        cut: how the region was cut.
        tensors: names that the model's graph has; others are private.
        files: the parts' files, in the stages' order.
        weights: name of the file that holds their weights, if it exists.
        folder: of all these files.
    """

    def value(name: str) -> Value:
        return Value(name=name, maker=None if name in tensors else cut.made_in(name))

    parts = tuple(
        Part(
            file=file,
            crc=0 if file is None else zlib.crc32((folder / file).read_bytes()),
            inputs=tuple(value(name) for name in piece.inputs),
            outputs=tuple(value(name) for name in piece.outputs),
        )
        for file, piece in zip(files, cut.pieces, strict=True)
    )
    record = Record(weights=_stamp(folder / weights), parts=parts)
    (folder / RECORD_FILE).write_bytes(msgspec.json.encode(record))


def read_record(folder: Path) -> Record:
    """Read a region's record and check the files against it.

    Raises:
        BackendError: naming the file that is missing or has changed.
    """
    path = folder / RECORD_FILE
    try:
        record = msgspec.json.decode(path.read_bytes(), type=Record)
        for part in record.parts:
            if part.file is not None and zlib.crc32((folder / part.file).read_bytes()) != part.crc:
                raise BackendError(f"{folder / part.file} has changed since it was compiled")
    except (OSError, msgspec.DecodeError) as error:
        raise BackendError(f"{path}: {error}") from error
    if record.weights is not None and _stamp(folder / record.weights[0]) != record.weights:
        raise BackendError(f"{folder / record.weights[0]} has changed since it was compiled")
    return record


def _stamp(path: Path) -> tuple[str, int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return path.name, found.st_size, found.st_mtime_ns
