"""Functions of one tensor."""

from math import prod

from hetsched.convert.export.tnn.layer import LARGEST, RefusedError, Site

_PLAIN = {
    "Relu": "ReLU", "Sigmoid": "Sigmoid", "Tanh": "Tanh", "Softplus": "Softplus", "Abs": "Abs",
    "Neg": "Neg", "Exp": "Exp", "Log": "Log", "Sqrt": "Sqrt", "Reciprocal": "Reciprocal",
    "Floor": "Floor", "Ceil": "Ceil", "Erf": "Erf", "Sign": "Sign", "Sin": "Sin", "Cos": "Cos",
    "Tan": "Tan", "Asin": "Asin", "Acos": "Acos", "Atan": "Atan", "Softsign": "Softsign",
}  # fmt: skip

_ANY_AXIS = 13
"""Softmax of one axis; before, of all from an axis on. Source: Softmax-13 of ONNX."""


def plain(site: Site) -> None:
    """Without parameters."""
    site.add(_PLAIN[site.op.op_type])


def clip(site: Site) -> None:
    """Clip: least, most. From 0 to 6 it has a layer of its own."""
    low = _limit(site, "min", 1, -LARGEST)
    high = _limit(site, "max", 2, LARGEST)
    if (low, high) == (0.0, 6.0):
        site.add("ReLU6")
        return
    site.add("Clip", low, high)


def _limit(site: Site, name: str, index: int, default: float) -> float:
    if site.has(index):
        return float(site.constant(index, name).reshape(()))
    return float(site.attr(name, default))


def elu(site: Site) -> None:
    """Elu: alpha."""
    site.add("Elu", float(site.attr("alpha", 1.0)))


def selu(site: Site) -> None:
    """Selu: alpha, gamma. Source of the defaults: Selu of ONNX."""
    alpha, gamma = site.attr("alpha", 1.6732632), site.attr("gamma", 1.0507010)
    site.add("Selu", float(alpha), float(gamma))


def hard_sigmoid(site: Site) -> None:
    """HardSigmoid: alpha, beta."""
    site.add("HardSigmoid", float(site.attr("alpha", 0.2)), float(site.attr("beta", 0.5)))


def hard_swish(site: Site) -> None:
    """HardSwish: alpha and beta of the factor. Source: HardSwish of ONNX."""
    site.add("HardSwish", 1 / 6, 0.5)


def softmax(site: Site) -> None:
    """Softmax and LogSoftmax: axis. `SoftmaxCaffe` is the same layer by its name for one axis."""
    shape = site.shape()
    newer = site.op.opset >= _ANY_AXIS
    axis = site.axis(int(site.attr("axis", -1 if newer else 1)))
    if not newer and prod(shape[axis + 1 :]) != 1:
        raise RefusedError("it is over several axes: TNN's Softmax is over one")
    site.add("SoftmaxCaffe" if site.op.op_type == "Softmax" else "LogSoftmax", axis)


CONVERTERS = {
    **dict.fromkeys(_PLAIN, plain),
    "Clip": clip,
    "Elu": elu,
    "Selu": selu,
    "HardSigmoid": hard_sigmoid,
    "HardSwish": hard_swish,
    "Softmax": softmax,
    "LogSoftmax": softmax,
}
