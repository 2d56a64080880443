"""Element-wise ops of two tensors: which input is stored, -1 for none. PReLU, Power."""

import numpy as np

from hetsched.convert.export.tnn.layer import RefusedError, Site, buffer

_BOTH_BLOBS = -1
_TYPES = {
    "Add": "Add", "Sum": "Add", "Sub": "Sub", "Mul": "Mul", "Div": "Div",
    "Max": "Maximum", "Min": "Minimum",
}  # fmt: skip


def binary(site: Site) -> None:
    """Two inputs, or a chain over more."""
    kind, count = _TYPES[site.op.op_type], len(site.op.inputs)
    if count < 2:
        raise RefusedError("it has one input: TNN's layer takes two")
    if count == 2 and (site.is_constant(0) or site.is_constant(1)):
        _with_stored(site, kind, 0 if site.is_constant(0) else 1)
        return
    before = site.blob(0)
    for index in range(1, count):
        made = site.op.outputs[0] if index == count - 1 else site.between()
        site.add(kind, _BOTH_BLOBS, inputs=[before, site.blob(index)], outputs=[made])
        before = made


def _with_stored(site: Site, kind: str, index: int) -> None:
    weights = site.constant(index, "operand")
    other = site.op.inputs[1 - index]
    rank = len(site.shape(other))
    if weights.ndim > rank:
        raise RefusedError("its stored operand has more dimensions than the other")
    spelled = weights.reshape((1,) * (rank - weights.ndim) + weights.shape)
    site.add(kind, index, inputs=[site.blob(1 - index)], body=buffer(spelled))


def prelu(site: Site) -> None:
    """PRelu with one slope, or one per channel: whether it is shared, and an unused number."""
    slopes = site.constant(1, "slope")
    _slopes(site, slopes)


def leaky_relu(site: Site) -> None:
    """LeakyRelu as a PReLU that shares its slope."""
    _slopes(site, np.array([site.attr("alpha", 0.01)], np.float32))


def _slopes(site: Site, slopes: np.ndarray) -> None:
    shape = site.shape()
    channels = shape[1] if len(shape) > 1 else 1
    per_channel = slopes.size == channels and slopes.shape[-len(shape) + 1 :][:1] == (channels,)
    if slopes.size != 1 and not per_channel:
        raise RefusedError(f"its slopes are {slopes.shape}: PReLU has one, or one per channel")
    site.add("PReLU", int(slopes.size == 1), 0, body=buffer(slopes.reshape(-1)), named=True)


def power(site: Site) -> None:
    """Pow by a stored number: exponent, scale, shift."""
    exponent = site.constant(1, "exponent")
    if exponent.size != 1:
        raise RefusedError("its exponent is a tensor: Power has one number")
    site.add("Power", float(exponent.reshape(())), 1.0, 0.0)


CONVERTERS = {
    **dict.fromkeys(_TYPES, binary),
    "PRelu": prelu,
    "LeakyRelu": leaky_relu,
    "Pow": power,
}
