"""Models of one op for the random tests, drawn by Hypothesis: one function per rule."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import onnx
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

FLOAT, HALF, DOUBLE = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE
FLOATS = (FLOAT, HALF, DOUBLE)
WIDE = (FLOAT, DOUBLE)
INTS = (TensorProto.INT32, TensorProto.INT64)
ANY = (*FLOATS, *INTS)


@dataclass(frozen=True, slots=True)
class Run:
    """An input that is made at run time."""

    shape: tuple[int, ...]
    dtype: int = FLOAT


Input: TypeAlias = "Run | np.ndarray | None"


class Draw:
    """What draw functions choose from."""

    def __init__(self, draw: Callable[[st.SearchStrategy[Any]], Any]) -> None:
        self._draw = draw
        self.rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))

    def count(self, low: int, high: int) -> int:
        return int(self._draw(st.integers(low, high)))

    def flag(self) -> bool:
        return bool(self._draw(st.booleans()))

    def of(self, *options: Any) -> Any:
        return self._draw(st.sampled_from(options))

    def shape(self, low: int = 1, high: int = 4, most: int = 5) -> tuple[int, ...]:
        """A shape of a rank from low to high."""
        return tuple(self.count(1, most) for _ in range(self.count(low, high)))

    def image(self, most: int = 8, rank: int = 4, least: int = 1) -> tuple[int, ...]:
        """[N, C, H, ...]."""
        spatial = (self.count(least, most) for _ in range(rank - 2))
        return (self.count(1, 2), self.count(1, 4), *spatial)

    def subset(self, rank: int) -> list[int]:
        """Some axes, at least one, some of them counted from the end."""
        chosen = [axis for axis in range(rank) if self.flag()] or [self.count(0, rank - 1)]
        return [axis - rank if self.flag() else axis for axis in chosen]

    def perm(self, rank: int) -> list[int]:
        return [int(axis) for axis in self.rng.permutation(rank)]

    def number(self, low: float, high: float) -> float:
        """A float32, so that an attribute holds it."""
        return float(np.float32(self.rng.uniform(low, high)))

    def values(self, *shape: int, dtype: int = FLOAT) -> np.ndarray:
        """Stored values, none of them near 0."""
        signs = self.rng.choice([-1, 1], shape)
        made = np.asarray(self.rng.uniform(0.5, 1.5, shape) * signs)
        return made.astype(helper.tensor_dtype_to_np_dtype(dtype))

    def broadcast(self, shape: Sequence[int]) -> tuple[int, ...]:
        """A shape that broadcasts to another one."""
        kept = [1 if self.flag() else size for size in shape]
        return tuple(kept[self.count(0, len(kept)) :])


def op(
    op_type: str, *inputs: Any, opset: int = 17, outputs: int = 1, **attributes: Any
) -> onnx.ModelProto:
    """A model of one op named `op`."""
    return model([(op_type, list(inputs), attributes)], opset=opset, outputs=outputs)


def model(
    ops: Sequence[tuple[str, list[Any], dict[str, Any]]],
    *,
    opset: int = 17,
    outputs: int = 1,
) -> onnx.ModelProto:
    """Ops one after the other; "@0" is the output of the first one. The last is named `op`."""
    nodes, graph = [], onnx.GraphProto(name="g")
    for place, (op_type, inputs, attributes) in enumerate(ops):
        names = [_name(graph, given, f"i{place}_{i}") for i, given in enumerate(inputs)]
        is_last = place == len(ops) - 1
        made = [f"o{i}" for i in range(outputs)] if is_last else [f"@{place}"]
        name = "op" if is_last else f"op{place}"
        nodes.append(helper.make_node(op_type, names, made, name, **attributes))
    graph.node.extend(nodes)
    graph.output.extend(onnx.ValueInfoProto(name=f"o{i}") for i in range(outputs))
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    return _typed(proto)


def _name(graph: onnx.GraphProto, given: "Input | str", name: str) -> str:
    if given is None or isinstance(given, str):
        return given or ""
    if isinstance(given, Run):
        graph.input.append(helper.make_tensor_value_info(name, given.dtype, given.shape))
    else:
        graph.initializer.append(numpy_helper.from_array(given, name))
    return name


def _typed(proto: onnx.ModelProto) -> onnx.ModelProto:
    """With typed outputs."""
    shown = onnx.ModelProto()
    shown.CopyFrom(proto)
    del shown.graph.output[:]
    known = onnx.shape_inference.infer_shapes(shown, data_prop=True).graph.value_info
    types = {info.name: info for info in known}
    for output in proto.graph.output:
        if output.name in types:
            output.CopyFrom(types[output.name])
        else:  # GroupNormalization: onnx infers nothing, the output is as the input
            output.type.CopyFrom(proto.graph.input[0].type)
    return proto


Drawer: TypeAlias = Callable[[Draw], onnx.ModelProto]
DRAWS: dict[str, Drawer] = {}
"""Rule to what draws a model of an op that the rule may replace."""


def draws(*rules: str) -> Callable[[Drawer], Drawer]:
    """Register a draw function for rules."""

    def register(drawer: Drawer) -> Drawer:
        for rule in rules:
            assert rule not in DRAWS, f"{rule} is drawn twice"
            DRAWS[rule] = drawer
        return drawer

    return register
