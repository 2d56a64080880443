"""Ops that look at one element of each input at a time."""

from collections.abc import Mapping, Sequence

from hetsched.backends.opencl.kernels.launch import Launch, Lowered, RefusedError
from hetsched.backends.opencl.kernels.node import Node
from hetsched.backends.opencl.kernels.strides import axis_of, broadcast, merged

_NO_NUMBERS = (("", 0.0), ("", 0.0))
_UNARY: Mapping[str, tuple[tuple[str, float], tuple[str, float]]] = {
    "Celu": (("alpha", 1.0), ("", 0.0)),
    "Elu": (("alpha", 1.0), ("", 0.0)),
    "HardSigmoid": (("alpha", 0.2), ("beta", 0.5)),
    "LeakyRelu": (("alpha", 0.01), ("", 0.0)),
    "Selu": (("alpha", 1.67326319217681884765625), ("gamma", 1.05070102214813232421875)),
    "ThresholdedRelu": (("alpha", 1.0), ("", 0.0)),
}
"""Attributes that are the kernel's two numbers. Source: ONNX operator specification."""

PLAIN = (
    "Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Ceil", "Cos", "Cosh", "Erf", "Exp",
    "Floor", "HardSwish", "Log", "Mish", "Neg", "Reciprocal", "Relu", "Round", "Sigmoid", "Sign",
    "Sin", "Sinh", "Softplus", "Softsign", "Sqrt", "Tan", "Tanh",
)  # fmt: skip
"""Ops of one input and no attributes; kernels have their names."""

UNARY = (*PLAIN, *_UNARY)
BINARY = ("Add", "Div", "Mul", "Pow", "Sub")
_CHAINED = {"Max": "Max", "Min": "Min", "Sum": "Add", "Mean": "Add"}
VARIADIC = tuple(_CHAINED)
_NUMPY_BROADCASTING_SINCE = 7
_CLIP_INPUTS_SINCE = 11
_LARGEST = (2 - 2**-23) * 2.0**127
"""The largest float32."""


def unary(node: Node) -> Lowered:
    """An op of one input, its numbers from attributes."""
    (first, alpha), (second, beta) = _UNARY.get(node.op.op_type, _NO_NUMBERS)
    numbers = (
        node.number(first, alpha) if first else alpha,
        node.number(second, beta) if second else beta,
    )
    return Lowered(launches=(apply(node, node.op.op_type, *numbers),))


def gelu(node: Node) -> Lowered:
    """Gelu, with erf or approximated with tanh."""
    how = node.number("approximate", "none")
    if how not in ("none", "tanh"):
        raise RefusedError(f"attribute approximate={how!r}")
    return Lowered(launches=(apply(node, "GeluTanh" if how == "tanh" else "Gelu"),))


def clip(node: Node) -> Lowered:
    """Clip: bounds are attributes, constants, or computed; without any, those of float32."""
    if node.opset < _CLIP_INPUTS_SINCE:
        low, high = node.number("min", -_LARGEST), node.number("max", _LARGEST)
        return Lowered(launches=(apply(node, "Clip", low, high),))
    bounds = [node.stored(index) if node.has(index) else () for index in (1, 2)]
    if None not in bounds:
        low, high = (
            float(found[0]) if found else default
            for found, default in zip(bounds, (-_LARGEST, _LARGEST), strict=True)
        )
        return Lowered(launches=(apply(node, "Clip", low, high),))
    steps = [("Max", 1), ("Min", 2)]
    return _chain(node, [(kernel, index) for kernel, index in steps if node.has(index)])


def binary(node: Node) -> Lowered:
    """An op of two inputs with broadcasting."""
    return _chain(node, [(node.op.op_type, 1)])


def prelu(node: Node) -> Lowered:
    """PRelu: its slope is broadcast to its input, by older opsets along the channels."""
    return _chain(node, [("PRelu", 1)])


def mod(node: Node) -> Lowered:
    """Mod with the sign of its first input, the only one that floats have."""
    node.refuse_attributes(fmod=1)
    return _chain(node, [("Mod", 1)])


def variadic(node: Node) -> Lowered:
    """Max, Min, Sum and Mean of any number of inputs."""
    kernel, count = _CHAINED[node.op.op_type], len(node.op.inputs)
    if count == 1:
        return Lowered(views={node.output: node.name(0)})
    found = _chain(node, [(kernel, index) for index in range(1, count)])
    if node.op.op_type != "Mean":
        return found
    mean = Launch(
        source="elementwise", kernel="Scale", items=node.items, writes=node.output,
        args=(node.output, node.output, 1.0 / count, 0.0),
    )  # fmt: skip
    return Lowered(launches=(*found.launches, mean))


def apply(node: Node, kernel: str, alpha: float = 0.0, beta: float = 0.0) -> Launch:
    """A kernel of one input over all of the output."""
    if node.shape(0) != node.shape_out:
        raise RefusedError(f"an output of shape {node.shape_out} from {node.shape(0)}")
    return Launch(
        source="elementwise", kernel=kernel, items=node.items, writes=node.output,
        args=(node.name(0), node.output, float(alpha), float(beta)),
    )  # fmt: skip


def _chain(node: Node, steps: Sequence[tuple[str, int]]) -> Lowered:
    """The first input and another by a kernel, the result and another by the next one, ...

    From the second step on, the output is read and written in place: each item reads its own
    element only.
    """
    out = node.shape_out
    launches = []
    left, left_shape = node.name(0), _aligned(node, 0)
    for kernel, index in steps:
        right = broadcast(_aligned(node, index), out)
        rows = merged(out, broadcast(left_shape, out), right)
        args = (left, node.name(index), node.output, sum(rows, ()), len(rows[0]))
        launches.append(
            Launch(
                source="elementwise",
                kernel=kernel,
                items=node.items,
                args=args,
                writes=node.output,
            )
        )
        left, left_shape = node.output, out
    return Lowered(launches=tuple(launches))


def _aligned(node: Node, index: int) -> tuple[int, ...]:
    """An input's shape, as broadcasting at the last axis takes it."""
    shape = node.shape(index)
    if index == 0 or node.opset >= _NUMPY_BROADCASTING_SINCE:
        return shape
    rank = len(node.shape(0))
    if node.op.op_type == "PRelu":
        return (*shape, *(1,) * (rank - 2)) if len(shape) == 1 and rank > 2 else shape
    axis = node.op.attributes.get("axis")
    if axis is None:
        return shape
    start = axis_of(node.number("axis", 0), rank)
    return (*shape, *(1,) * max(0, rank - start - len(shape)))
