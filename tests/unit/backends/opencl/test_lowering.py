"""What an op becomes, and what is refused with which words: no device is asked."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hetsched.backends.opencl.kernels.strides import broadcast, contiguous, merged
from hetsched.backends.opencl.kernels.table import lower, reason
from hetsched.ir.graph import Graph, Op, Tensor
from tests.unit.backends.opencl.running import one_op

Shape = tuple[int | None, ...] | None


def graph(
    op_type: str,
    shapes: list[Shape],
    out: Shape,
    *,
    dtypes: dict[int, str] | None = None,
    outputs: int = 1,
    **options: Any,
) -> Graph:
    """One op `it` with inputs x0, x1, ... and outputs y0, ...; constants by `x1=(..)`."""
    values = {name: options.pop(name) for name in list(options) if name in ("x1", "x2", "x3")}
    domain, opset = options.pop("domain", ""), options.pop("opset", 21)
    names = tuple(f"x{i}" for i in range(len(shapes)))
    made = tuple(f"y{i}" for i in range(outputs))
    tensors = {
        name: Tensor(name=name, dtype=(dtypes or {}).get(i, "float32"), shape=shape)
        for i, (name, shape) in enumerate(zip(names, shapes, strict=True))
    }
    tensors |= {name: Tensor(name=name, dtype="float32", shape=out) for name in made}
    op = Op(
        name="it", op_type=op_type, domain=domain, opset=opset, inputs=names, outputs=made,
        attributes=options,
    )  # fmt: skip
    return Graph(
        ops=(op,), tensors=tensors, inputs=names, outputs=made,
        constants=frozenset(values), values=values,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (graph("If", [()], (2,), dtypes={0: "bool"}), "no kernel for If"),
        (graph("LSTM", [(1, 1, 4)], (1, 1, 4)), "no kernel for LSTM"),
        (graph("Relu", [(2,)], (2,), domain="com.x"), "no kernel for com.x.Relu"),
        (graph("Relu", [(2, None)], (2, None)), "dynamic shape of 'y0': (2, ?)"),
        (graph("Relu", [None], (2,)), "dynamic shape of 'x0': of unknown rank"),
        (graph("Relu", [(2, 0)], (2, 0)), "empty tensor 'y0': (2, 0)"),
        (graph("Relu", [(1,) * 9], (1,) * 9), "9 dimensions of 'y0': at most 8"),
        (graph("Relu", [(2**16, 2**16)], (2**16, 2**16)),
         "4294967296 elements of 'y0': less than 2^31"),
        (graph("Relu", [(2,)], (2,), dtypes={0: "int8"}), "dtype int8 of 'x0': float32"),
        (graph("Add", [(2,), (2,)], (2,), dtypes={1: "int64"}), "dtype int64 of 'x1': float32"),
        (graph("Transpose", [(2,)], (2,), dtypes={0: "int4"}), "dtype int4"),
        (graph("Conv", [(1, 1, 2, 2, 2, 2), (1, 1, 1, 1, 1, 1)], (1, 1, 2, 2, 2, 2)),
         "Conv with 4 spatial dimensions: 1 to 3"),
        (graph("Conv", [(1, 3, 4, 4), (4, 2, 1, 1)], (1, 4, 4, 4)),
         "3 channels and 4 maps in 1 groups of 2 channels"),
        (graph("Conv", [(1, 1, 4, 4), (1, 1, 1, 1)], (1, 1, 3, 4), pads=(-1, 0, 0, 0)),
         "pads=[-1, 0, 0, 0] over 2 spatial dimensions"),
        (graph("Conv", [(1, 1, 4, 4), (1, 1, 1, 1)], (1, 1, 4, 4), strides=(1,)),
         "strides=[1] over 2 spatial dimensions"),
        (graph("Conv", [(1, 1, 4, 4), (1, 1, 1, 1)], (1, 1, 4, 4), auto_pad="SOME"),
         "auto_pad='SOME'"),
        (graph("MaxPool", [(1, 1, 8)], (1, 1, 4), kernel_shape=(2,), strides=(3,), pads=(1, 0)),
         "a window that starts behind the input's 8"),
        (graph("MaxPool", [(1, 1, 4)], (1, 1, 4), outputs=2, kernel_shape=(1,)),
         "MaxPool with 2 outputs: the first one only"),
        (graph("Slice", [(4,), (1,), (1,)], (2,)), "starts that only a run knows ('x1')"),
        (graph("Gather", [(4,), (1,)], (1,), x1=(4,)), "index 4 of 4"),
        (graph("Resize", [(1, 1, 4)], (1, 1, 8), mode="cubic"), "attribute mode='cubic'"),
        (graph("Resize", [(1, 1, 4)], (1, 1, 8), antialias=1), "attribute antialias=1"),
        (graph("Upsample", [(5,), (1,)], (12,), x1=(2.6,), opset=9),
         "a size of 12 out of 5 scaled by 2.5999999046325684"),
        (graph("BatchNormalization", [(1, 2), (2,), (2,), (2,), (2,)], (1, 2), training_mode=1),
         "attribute training_mode=1"),
        (graph("Softmax", [(2, 2)], (2, 2), axis=2), "axis 2 of 2 dimensions"),
        (graph("Add", [(2, 3), (2,)], (2, 3)), "shape (2,) isn't broadcast to (2, 3)"),
        (graph("Dropout", [(2,)], (2,), opset=6), "training mode"),
        (graph("Dropout", [(2,), (), ()], (2,), opset=13), "training mode"),
        (graph("Mod", [(2,), (2,)], (2,), fmod=0), "attribute fmod=0"),
        (graph("Relu", [(2,)], (3,)), "an output of shape (3,) from (2,)"),
        (graph("Pad", [(2,), (2,)], (4,), x1=(1, 1), mode="mirror"), "attribute mode='mirror'"),
    ],
)  # fmt: skip
def test_what_has_no_kernel_says_why(made: Graph, why: str) -> None:
    assert reason(made, made.ops[0]) == why


def test_a_binary_op_of_one_shape_is_one_axis() -> None:
    made = graph("Add", [(2, 3, 4), (2, 3, 4)], (2, 3, 4))
    (launch,) = lower(made, made.ops[0]).launches
    assert (launch.source, launch.kernel, launch.items) == ("elementwise", "Add", 24)
    assert launch.args == ("x0", "x1", "y0", (24, 1, 1), 1)
    assert launch.reads == ("x0", "x1")
    assert launch.writes == "y0"


def test_a_channels_vector_is_broadcast() -> None:
    """(2, 3, 4, 5) + (3, 1, 1): axes (2, 3, 20), of which x1 goes on along the middle one."""
    made = graph("Add", [(2, 3, 4, 5), (3, 1, 1)], (2, 3, 4, 5))
    (launch,) = lower(made, made.ops[0]).launches
    assert launch.args[3:] == ((2, 3, 20, 60, 20, 1, 0, 1, 0), 3)


def test_older_opsets_broadcast_at_an_axis() -> None:
    shapes: list[Shape] = [(2, 3, 4), (3,)]
    made = graph("Mul", shapes, (2, 3, 4), opset=6, broadcast=1, axis=1)
    (launch,) = lower(made, made.ops[0]).launches
    assert launch.args[3:] == ((2, 3, 4, 12, 4, 1, 0, 1, 0), 3)


def test_a_reshape_is_no_work() -> None:
    made = graph("Reshape", [(2, 6), (1,)], (12,), x1=(-1,))
    found = lower(made, made.ops[0])
    assert (found.launches, found.views) == ((), {"y0": "x0"})


def test_strides() -> None:
    assert contiguous((2, 3, 4)) == (12, 4, 1)
    assert contiguous(()) == ()
    assert broadcast((3, 1), (2, 3, 4)) == (0, 1, 0)
    assert merged((2, 1, 3), (3, 3, 1)) == ((6,), (1,))
    assert merged((2, 3), (1, 2)) == ((2, 3), (1, 2))
    assert merged((), ()) == ((1,), (0,))


def test_a_lowered_op_says_nothing_of_a_missing_input(tmp_path: Path) -> None:
    """An omitted bias: the weight stands in as an argument that the kernel doesn't read."""
    x, w = np.ones((1, 1, 4), np.float32), np.ones((1, 1, 1), np.float32)
    model = one_op(tmp_path, "Conv", {"x": x}, {"w": w})
    (launch,) = lower(model.graph, model.graph.ops[0]).launches
    assert launch.reads == ("x", "w", "w")
