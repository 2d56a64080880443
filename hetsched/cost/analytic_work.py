"""What a group amounts to before any unit is known: kernels with their arithmetic and traffic."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from hetsched.cost.analytic_class import rate_name
from hetsched.cost.fusion_rules import HEAVY
from hetsched.cost.table import Group
from hetsched.ir.features import OpFeatures, op_features
from hetsched.ir.graph import ITEM_BITS, Graph, Op
from hetsched.ir.macs import iterations
from hetsched.ir.op_class import OpClass

# They change the shape that a buffer is seen with, not the buffer. Source: ONNX Runtime's CPU
# kernels alias input 0 as output 0 in their definitions.
_VIEWS = frozenset({"Reshape", "Squeeze", "Unsqueeze", "Flatten", "Identity"})
# They read no more than they write.
_PICKS = frozenset({"Gather", "GatherElements", "GatherND", "Slice"})
_DESCRIBES = frozenset({"Shape", "Size"})
_QUANTIZERS = frozenset({"DequantizeLinear", "QuantizeLinear"})
_QUANTIZED = ("QLinear", "ConvInteger", "MatMulInteger", "DynamicQuantize", "QGemm", "QAttention")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensors:
    """Elements by dtype: what a kernel moves, before it is known in which dtype it is stored.

    Attributes:
        float_elements: of float tensors, stored in the unit's dtype.
        other_bytes: of all others, stored as they are.
    """

    float_elements: int
    other_bytes: int

    def nbytes(self, dtype: str) -> int:
        """Size on a unit that computes in `dtype`."""
        return (self.float_elements * ITEM_BITS[dtype] + 7) // 8 + self.other_bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Kernel:
    """One launch: an op with all that is fused into it.

    Attributes:
        op_class: of the op.
        rate: field of `Rates` that its arithmetic goes by; None without any.
        macs: multiply-accumulates.
        traffic: what is read and written, without constants.
        weights: constants.
        is_view: whether it only looks at its input in another shape.
        known: whether all shapes and dtypes are known.
        times: how often it is launched, in a Loop of that many iterations.
    """

    op_class: OpClass
    rate: str | None
    macs: int
    traffic: Tensors
    weights: Tensors
    is_view: bool
    known: bool
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A group's kernels, and whether it computes on quantised numbers."""

    kernels: tuple[Kernel, ...]
    quantized: bool


def group_work(graph: Graph, group: Group) -> Work:
    """Kernels of a group: the head with all that is fused into it, then the others one by one."""
    ops = [graph.op[name] for name in group.ops]
    features = {op.name: op_features(graph, op) for op in ops}
    head = features[group.name]
    quantized = graph.op[group.name].op_type.startswith(_QUANTIZED) or (
        len(ops) > 1 and any(op.op_type == "DequantizeLinear" for op in ops)
    )
    if head.op_class in HEAVY:
        fused = [op for op in ops if _is_fused(op, features[op.name])]
    else:
        fused = [op for op in ops if len(ops) > 1 and op.op_type in _QUANTIZERS]
    names = {op.name for op in fused} | {group.name}
    kernels = [_head_kernel(graph, [op for op in ops if op.name in names], group.name, features)]
    kernels += [_head_kernel(graph, [op], op.name, features) for op in ops if op.name not in names]
    kernels += [kernel for op in ops for kernel in _body_kernels(graph, op)]
    return Work(kernels=tuple(kernels), quantized=quantized)


def _body_kernels(graph: Graph, op: Op) -> list[Kernel]:
    """Kernels inside an If (of its larger branch), Loop or Scan; nothing in a body is fused."""
    each = [list(_inner_kernels(body)) for body in op.bodies.values()]
    largest = max(each, key=lambda kernels: sum(kernel.macs for kernel in kernels), default=[])
    times = iterations(graph, op)
    return [replace(kernel, times=kernel.times * times) for kernel in largest]


def _inner_kernels(body: Graph) -> Iterator[Kernel]:
    for op in body.ops:
        yield _head_kernel(body, [op], op.name, {op.name: op_features(body, op)})
        yield from _body_kernels(body, op)


def _is_fused(op: Op, features: OpFeatures) -> bool:
    return (
        features.op_class in (OpClass.ELEMENTWISE, OpClass.NORMALIZATION)
        or op.op_type in _QUANTIZERS
    )


def _head_kernel(
    graph: Graph, ops: Sequence[Op], head: str, features: Mapping[str, OpFeatures]
) -> Kernel:
    """One kernel of some ops: what goes in and out of all of them together is moved."""
    op = graph.op[head]
    inside = {name for member in ops for name in member.writes}
    stored = {n for member in ops for n in member.reads if n in graph.constants}
    read = {n for member in ops for n in member.reads if n not in inside and n not in stored}
    written = {n for n in inside if _leaves(graph, n, ops)}
    reads, writes = _tensors(graph, sorted(read)), _tensors(graph, sorted(written))
    if op.op_type in _DESCRIBES:
        reads = Tensors(float_elements=0, other_bytes=0)
    elif op.op_type in _PICKS:
        reads = writes
    return Kernel(
        op_class=features[head].op_class,
        rate=rate_name(graph, op, features[head].op_class),
        macs=sum(features[member.name].macs for member in ops),
        traffic=Tensors(
            float_elements=reads.float_elements + writes.float_elements,
            other_bytes=reads.other_bytes + writes.other_bytes,
        ),
        weights=_tensors(graph, sorted(stored)),
        is_view=op.op_type in _VIEWS,
        known=all(features[member.name].known for member in ops),
    )


def _leaves(graph: Graph, name: str, ops: Sequence[Op]) -> bool:
    names = {op.name for op in ops}
    readers = graph.consumers.get(name, ())
    return name in graph.outputs or any(reader.name not in names for reader in readers)


def _tensors(graph: Graph, names: Iterable[str]) -> Tensors:
    floats = other = 0
    for name in names:
        tensor = graph.tensors[name]
        if tensor.dtype in ("float32", "float16", "bfloat16"):
            floats += tensor.elements or 0
        else:
            other += tensor.nbytes() or 0
    return Tensors(float_elements=floats, other_bytes=other)
