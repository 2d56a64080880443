"""What backends fuse: which op may follow another in one kernel.

Source: the fusions that ONNX Runtime's CPU provider (convolution with batch normalisation, bias,
activation; QDQ node units) and MACE's converter (the same, into convolution and FullyConnected)
have in common, by their documentation of graph optimisations.
"""

from dataclasses import dataclass

from hetsched.ir.graph import Graph, Op
from hetsched.ir.op_class import OpClass, op_class

HEAVY = frozenset(
    {
        OpClass.CONV1X1, OpClass.CONV_KXK, OpClass.DEPTHWISE, OpClass.CONV_TRANSPOSE,
        OpClass.DENSE, OpClass.MATMUL,
    }
)  # fmt: skip
"""Classes of ops that take others along."""

_NOT_FUSED = frozenset({
    "Cast", "CastLike", "DequantizeLinear", "DynamicQuantizeLinear", "QuantizeLinear", "Dropout",
    "Where",
})  # fmt: skip
_CONVOLUTIONS = frozenset({"Conv", "ConvTranspose"})
_INTEGERS = frozenset({"int64", "int32", "bool"})
_SMALL_ELEMENTS = 1024
_LONGEST_GATE = 5


def is_elementwise(graph: Graph, op: Op) -> bool:
    """Whether an op can be computed on the fly where its input is made."""
    return op_class(graph, op) is OpClass.ELEMENTWISE and op.op_type not in _NOT_FUSED


def run_time_inputs(graph: Graph, op: Op) -> tuple[str, ...]:
    """Inputs that aren't stored in the model."""
    return tuple(name for name in op.reads if name not in graph.constants)


def is_single_input(graph: Graph, op: Op) -> bool:
    """Elementwise with one input at run time: an activation, or arithmetic with a constant."""
    return is_elementwise(graph, op) and len(run_time_inputs(graph, op)) == 1


def is_light(graph: Graph, op: Op) -> bool:
    """One tensor in, one out, little to compute: `is_single_input` or a batch normalisation."""
    if op.op_type == "BatchNormalization":
        return len(run_time_inputs(graph, op)) == 1 and len(op.writes) == 1
    return is_single_input(graph, op)


def folds_into(graph: Graph, op: Op) -> Op | None:
    """The convolution that a batch normalisation folds into, None for anything else.

    It must be the convolution's only reader, and its own parameters stored.
    """
    if op.op_type != "BatchNormalization" or len(run_time_inputs(graph, op)) != 1:
        return None
    source = op.inputs[0]
    producer = graph.producer.get(source)
    if producer is None or producer.op_type not in _CONVOLUTIONS or source in graph.outputs:
        return None
    return producer if len(graph.consumers[source]) == 1 else None


def is_shape_arithmetic(graph: Graph, op: Op) -> bool:
    """Whether all that an op makes is small and integer: sizes, indices, shapes."""
    tensors = [graph.tensors[name] for name in op.writes]
    return bool(tensors) and all(
        tensor.dtype in _INTEGERS and 0 <= (tensor.elements or -1) <= _SMALL_ELEMENTS
        for tensor in tensors
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A product of a tensor with a function of itself, such as x * HardSigmoid(x).

    Attributes:
        start: the tensor; only the function and the product read it.
        chain: names of the ops of the function, each with one input and one reader.
        product: name of the op that multiplies.
    """

    start: str
    chain: tuple[str, ...]
    product: str

    @property
    def ops(self) -> tuple[str, ...]:
        """All ops of it."""
        return (*self.chain, self.product)


def gates(graph: Graph) -> tuple[Gate, ...]:
    """All gates, in the order of their products."""
    found: list[Gate] = []
    for op in graph.ops:
        if op.op_type == "Mul" and len(op.inputs) == 2:
            for start, end in (op.inputs, op.inputs[::-1]):
                chain = _chain(graph, op, start, end)
                if chain is not None:
                    found.append(Gate(start=start, chain=tuple(chain), product=op.name))
    return tuple(found)


def _chain(graph: Graph, product: Op, start: str, end: str) -> list[str] | None:
    """Ops from `start` to `end`, each with one input and one reader; None when there is no way."""
    readers = {op.name for op in graph.consumers.get(start, ())}
    chain: list[str] = []
    tensor = end
    while tensor != start:
        op = graph.producer.get(tensor)
        if op is None or len(chain) == _LONGEST_GATE or tensor in graph.outputs:
            return None
        if not is_single_input(graph, op) or len(graph.consumers[tensor]) != 1:
            return None
        chain.append(op.name)
        tensor = run_time_inputs(graph, op)[0]
    return chain if chain and readers == {chain[-1], product.name} else None
