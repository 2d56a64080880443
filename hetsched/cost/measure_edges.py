"""Made-up values for what a part of a model reads, from types and shapes alone: nothing runs.

Time doesn't depend on the values of floats. It may on those of integers (indices, sizes, masks),
and some ops do more or less work for what they see: a part with one of these takes what the rest of
the model makes.
"""

from collections.abc import Collection, Mapping
from functools import cached_property

import numpy as np

from hetsched.backends.ort.mapping import NCHWC_DOMAIN, anchors, is_reorder
from hetsched.backends.ort_profile import Made
from hetsched.cost.measure_prepared import Prepared
from hetsched.ir.graph import Tensor
from hetsched.ir.sample import numpy_dtype

_KINDS = {"float32": "tensor(float)", "float16": "tensor(float16)"}
_SEES_VALUES = frozenset(
    {"Compress", "If", "Loop", "MaxRoiPool", "NonMaxSuppression", "NonZero", "RoiAlign", "Scan"}
    | {"TopK", "Unique"}
)
_BLOCK = 4096
_BLOCK_SIZES = (8, 16)
"""Channels per block, one of these. Source: MlasNchwcGetBlockSize in ONNX Runtime."""

_SAME_CHANNELS = frozenset({"Add", "Mul", "Sum", "Relu", "Sigmoid", "Tanh", "Clip", "HardSigmoid"})
_POOLS = frozenset({"MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool", "Upsample"})


def made_up(
    prepared: Prepared, wanted: Collection[int], names: Collection[str]
) -> Mapping[str, Made] | None:
    """A value per name; None where types and shapes don't say enough.

    Args:
        prepared: the model.
        wanted: indices of the pieces that read the values.
        names: of values in the optimised graph, or of its inputs.
    """
    graph = prepared.graph
    groups = {prepared.pieces[at].group for at in wanted}
    ops = [graph.op[op] for group in groups for op in prepared.grouped.groups[group].ops]
    made = [name for op in ops for name in op.writes]
    if any(op.op_type in _SEES_VALUES or op.bodies for op in ops):
        return None
    if not all(name in graph.tensors and graph.tensors[name].is_static for name in made):
        return None
    blocked = _Blocked(prepared)
    found = {}
    for name in names:
        tensor = graph.tensors.get(name) or blocked.tensor(name)
        if tensor is None or not tensor.is_static or tensor.dtype not in _KINDS:
            return None
        found[name] = Made(kind=_KINDS[tensor.dtype], value=_normal(tensor))
    return found


def _normal(tensor: Tensor) -> np.ndarray:
    """Standard normal values, one block again and again: drawing each would take its time."""
    block = np.random.default_rng(0).standard_normal(_BLOCK).astype(numpy_dtype(tensor.dtype or ""))
    return np.resize(block, tuple(dim or 0 for dim in tensor.shape or ()))


class _Blocked:
    """Shapes of values in blocked layout: that of the op's result, channels rounded up.

    Such a value has a name of ONNX Runtime's own. By how much channels were rounded up shows in the
    weights of the convolution that makes them.
    """

    def __init__(self, prepared: Prepared) -> None:
        self._graph = prepared.graph
        self._file = prepared.file
        nodes = prepared.file.nodes
        self._producer = {name: at for at, node in enumerate(nodes) for name in node.outputs}
        self._anchors = anchors(prepared.graph, nodes)

    def tensor(self, name: str) -> Tensor | None:
        """What a value is, None where that doesn't show."""
        plain, channels = self._plain(name), self._channels(name)
        if plain is None or plain.shape is None or len(plain.shape) != 4 or channels is None:
            return None
        return Tensor(
            name=name, dtype=plain.dtype, shape=(plain.shape[0], channels, *plain.shape[2:])
        )

    @cached_property
    def _block(self) -> int | None:
        """Channels per block, None where no convolution tells."""
        for at, node in enumerate(self._file.nodes):
            op = self._anchors[at]
            if node.domain != NCHWC_DOMAIN or node.op_type != "Conv" or op is None:
                continue
            shape = self._graph.tensors[self._graph.op[op].writes[0]].shape
            dims = self._file.dims(node.inputs[1])
            channels = shape[1] if shape and len(shape) == 4 else None
            if not dims or channels is None:
                continue
            fitting = [size for size in _BLOCK_SIZES if _rounded(channels, size) == dims[0]]
            if len(fitting) == 1:
                return fitting[0]
        return None

    def _plain(self, name: str) -> Tensor | None:
        """The model's tensor that a value holds."""
        at = self._producer.get(name)
        if at is None:
            return None
        node, op = self._file.nodes[at], self._anchors[at]
        if is_reorder(node):
            return self._graph.tensors.get(node.inputs[0])
        return None if op is None else self._graph.tensors[self._graph.op[op].writes[0]]

    def _channels(self, name: str) -> int | None:
        at = self._producer.get(name)
        if at is None:
            return None
        node = self._file.nodes[at]
        if is_reorder(node):
            if self._file.number(at, "channels_last"):
                return None  # a transpose went into it
            plain = self._graph.tensors.get(node.inputs[0])
            channels = plain.shape[1] if plain is not None and plain.shape else None
            block = self._block
            return None if channels is None or block is None else _rounded(channels, block)
        if node.domain == NCHWC_DOMAIN and node.op_type == "Conv":
            dims = self._file.dims(node.inputs[1])
            return dims[0] if dims else None
        if node.op_type in _SAME_CHANNELS or (
            node.domain == NCHWC_DOMAIN and node.op_type in _POOLS
        ):
            return self._channels(node.inputs[0])
        if node.op_type == "Concat":
            parts = [self._channels(each) for each in node.inputs]
            known = [part for part in parts if part is not None]
            return sum(known) if len(known) == len(parts) else None
        return None


def _rounded(channels: int, block: int) -> int:
    return -(-channels // block) * block


def can_make_up(prepared: Prepared, wanted: Collection[int]) -> bool:
    """Whether all that some pieces read can be made up."""
    nodes = prepared.file.nodes
    kept = {index for index, piece in enumerate(prepared.piece_of_node) if piece in wanted}
    inside = {name for index in kept for name in nodes[index].outputs}
    given = {port.name for port in prepared.ports.inputs}
    made = {name for node in nodes for name in node.outputs} | given
    read = {name for index in kept for name in nodes[index].reads}
    return made_up(prepared, wanted, (read & made) - inside) is not None
