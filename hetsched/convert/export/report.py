"""What an export wrote and how it was proven: `report.json` in its folder."""

from collections.abc import Sequence

import msgspec

SCHEMA = 1
REPORT = "report.json"

RUN = "run and compared"
READ_BACK = "read back by an independent reader, run and compared"
STRUCTURE = "structure only"


class Struct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of everything in a report."""


class Port(Struct, frozen=True, kw_only=True):
    """An input or output.

    Attributes:
        name: of the tensor in the model.
        dtype: as in ONNX.
        shape: as in ONNX; None for a dimension that depends on the data, such as how many boxes
            are found; None where the rank isn't known either.
        target_name: what the target calls it, where that differs.
        target_shape: its shape there, where that differs: another layout.
        order: for every dimension there, which of the model's it is; None where they are equal.
    """

    name: str
    dtype: str
    shape: tuple[int | None, ...] | None
    target_name: str | None = None
    target_shape: tuple[int, ...] | None = None
    order: tuple[int, ...] | None = None

    @property
    def dims(self) -> tuple[int, ...]:
        """The shape, where none of it depends on the data."""
        return tuple(dim for dim in self.shape or () if dim is not None)


class Proof(Struct, frozen=True, kw_only=True):
    """How an export was proven.

    Attributes:
        method: `run and compared`, `read back by an independent reader, run and compared`, or
            `structure only`.
        by: what read or ran it.
        max_abs_error: over all outputs, max|a-b| against ONNX Runtime; None where it wasn't run.
        max_rel_error: likewise, max|a-b| / max|a|.
        bound: what `max_rel_error` may be.
    """

    method: str
    by: str
    max_abs_error: float | None = None
    max_rel_error: float | None = None
    bound: float | None = None


class PartReport(Struct, frozen=True, kw_only=True):
    """One part as the target has it.

    Attributes:
        name: of the part.
        unit: where the plan runs it.
        ops: how many of the model's ops it holds.
        files: names in the folder; the first one is the model's.
        inputs: in the order of the target's file.
        outputs: in the order of the target's file.
        proof: None where only the whole was proven.
        notes: what its user has to know.
    """

    name: str
    unit: str | None
    ops: int
    files: tuple[str, ...]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    proof: Proof | None = None
    notes: tuple[str, ...] = ()


class Report(Struct, frozen=True, kw_only=True):
    """All of an export.

    Attributes:
        schema: version of this layout.
        hetsched: version that wrote it.
        target: name.
        model: name.
        sha256: of the model's file.
        source: the plan or model that was exported.
        inputs: of the whole model.
        outputs: of the whole model.
        parts: in the order of running.
        proof: of the whole: all parts in order against the unsplit model; None where only the
            parts were proven.
        notes: what their user has to know.
    """

    schema: int = SCHEMA
    hetsched: str
    target: str
    model: str
    sha256: str
    source: str
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    parts: tuple[PartReport, ...]
    proof: Proof | None = None
    notes: tuple[str, ...] = ()


def dims_text(shape: Sequence[int | None] | None) -> str:
    """A shape for people: `1x3x?`, `scalar`, `of any rank`."""
    if shape is None:
        return "of any rank"
    return "x".join("?" if dim is None else str(dim) for dim in shape) or "scalar"
