"""Limits that hold for every op of a backend: dtypes, known shapes, rank, number of outputs."""

from collections.abc import Mapping
from dataclasses import dataclass

from hetsched.convert.capability_rows import Row
from hetsched.convert.capability_view import View


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a backend asks of every op.

    Attributes:
        max_rank: of every tensor, None for no limit.
        outputs: most outputs of one op, None for no limit.
        static: whether all shapes must be known.
        single_output: whether a graph may have one output only.
        max_opset: newest version of ai.onnx that it was made for, None where that isn't known.
    """

    max_rank: int | None = None
    outputs: int | None = None
    static: bool = False
    single_output: bool = False
    max_opset: int | None = None


# Source: the rows of the same framework and backend in data/limits.csv. MACE takes fixed shapes
# only: its row (mace, converter, dynamic_shape).
LIMITS: Mapping[tuple[str, str], Limits] = {
    ("mace", "apu"): Limits(max_rank=4, outputs=1, static=True),
    ("mace", "gpu-opencl"): Limits(max_rank=4, static=True),
    ("mace", "converter"): Limits(static=True),
    ("tflite", "gpu-opencl"): Limits(max_rank=4),
    ("tflite", "dsp-hexagon"): Limits(max_rank=4),
    ("tnn", "gpu-opencl"): Limits(max_rank=5),
    ("tnn", "converter"): Limits(static=True),
    ("onnxruntime", "nnapi"): Limits(static=True),
    ("onnxruntime", "qnn-htp"): Limits(static=True),
    ("onnxruntime", "coreml-mlprogram"): Limits(max_rank=5),
    ("neuron", "apu-mdla3.0"): Limits(max_rank=4),
    ("neuron", "apu-mdla2.0"): Limits(max_rank=4),
    ("tensorrt", "dla"): Limits(static=True),
    ("minidnn", "cpu"): Limits(single_output=True),
    ("coreml", "converter-ios13"): Limits(max_opset=10),
    ("coreml", "converter-ios12"): Limits(max_opset=10),
}

user_limits: dict[tuple[str, str], Limits] = {}
"""Limits that a user's table states, see `hetsched.convert.capability_user`."""


def limits_of(framework: str, backend: str) -> Limits:
    """A backend's limits, a user's first."""
    key = (framework, backend)
    return user_limits.get(key) or LIMITS.get(key, Limits())


def dtype_reason(view: View, row: Row, computes: str | None = None) -> str | None:
    """The first tensor that is made at run time and whose dtype the row doesn't list.

    Stored parameters (shapes, axes) are left out: converters turn them into attributes. Weights
    have the dtype of what they are applied to.

    Args:
        view: the op.
        row: of the table.
        computes: what the unit computes float32 models in; a row with it takes float32, too.
    """
    if not row.dtypes:
        return None
    accepted = {dtype.split(" ")[0] for dtype in row.dtypes}
    for name in (*view.data, *view.made):
        tensor = view.graph.tensors.get(name)
        dtype = None if tensor is None else tensor.dtype
        if dtype is None:
            return f"dtype of {name!r} isn't known"
        is_converted = dtype == "float32" and computes in accepted
        if dtype not in accepted and not is_converted:
            return f"{view.op.op_type} of {dtype} ({name!r}): takes {', '.join(sorted(accepted))}"
    return None


def rank_reason(view: View, limits: Limits) -> str | None:
    """The first broken limit on shapes or outputs."""
    if limits.outputs is not None and len(view.made) > limits.outputs:
        return f"{view.op.op_type} with {len(view.made)} outputs: at most {limits.outputs}"
    for name in (*view.op.reads, *view.made):
        shape = view.shape(name)
        if limits.static and (shape is None or None in shape):
            return f"shape of {name!r} isn't known: {list(shape) if shape else 'no rank'}"
        if shape is not None and limits.max_rank is not None and len(shape) > limits.max_rank:
            return f"{name!r} has rank {len(shape)}: at most {limits.max_rank}"
    return None
