"""BatchNormalization folded into the convolution that makes its input.

w' = w * scale / sqrt(var + epsilon) per channel, b' = (b - mean) * that + bias.

Handled: Conv and ConvTranspose with stored weights whose only reader is the normalisation.
Refused: other producers, further readers, statistics or weights known only at run time.
"""

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules.batch_norm import check as check_statistics
from hetsched.convert.rules.batch_norm import factors
from hetsched.convert.rules.rule import Rule, Site, stored
from hetsched.convert.rules.tape import Tape


def check(site: Site) -> str | None:
    """None where it applies."""
    if (reason := check_statistics(site)) is not None:
        return reason
    source = site.input(0)
    producer = source.producer()
    if producer is None or producer.op_type not in ("Conv", "ConvTranspose"):
        return "no convolution right before it"
    if len(source.uses()) != 1 or source.is_graph_output():
        return "its convolution has other readers"
    others = [stored(value) for value in producer.inputs[1:] if value is not None]
    missing = any(value is None for value in others)
    return "its convolution's weights aren't stored" if missing else None


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """The convolution with scaled weights and a bias."""
    conv = site.input(0).producer()
    assert conv is not None
    before = Site(conv, site.opset)
    weights = stored(before.input(1))
    assert weights is not None
    factor, offset = factors(site)
    bias_value = before.optional(2)
    bias = None if bias_value is None else stored(bias_value)
    moved = offset if bias is None else offset + bias * factor
    scaled = _scaled(before, weights, factor)
    attributes = {name: found.value for name, found in conv.attributes.items()}
    source = before.input(0)
    return tape.op(
        conv.op_type, source, tape.constant(scaled, source), tape.constant(moved, source),
        **attributes,
    )  # fmt: skip


def _scaled(conv: Site, weights: np.ndarray, factor: np.ndarray) -> np.ndarray:
    """Per made channel: axis 0 of Conv, axis 1 within each group of ConvTranspose."""
    ones = (1,) * (weights.ndim - 2)
    if conv.node.op_type == "Conv":
        return np.asarray(weights * factor.reshape(-1, 1, *ones))
    group = conv.attribute("group", 1)
    parts = weights.reshape(group, -1, *weights.shape[1:])
    scaled: np.ndarray = (parts * factor.reshape(group, 1, -1, *ones)).reshape(weights.shape)
    return scaled


RULE = Rule(
    name="batch-norm-fold", ops=("BatchNormalization",), makes="nothing: its convolution does it",
    exactness="rounding", check=check, rewrite=rewrite,
)  # fmt: skip
