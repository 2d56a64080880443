"""Normalisation with stored scales and shifts."""

import numpy as np

from hetsched.convert.export.tnn.layer import RefusedError, Site, buffer


def batch_norm(site: Site) -> None:
    """BatchNormalization in inference as a scale and a shift per channel; no parameters."""
    if len(site.op.writes) > 1 or site.attr("training_mode", 0):
        raise RefusedError("it is in training mode")
    names = ("scale", "bias", "mean", "variance")
    scale, bias, mean, variance = (
        site.constant(index, name).astype(np.float64) for index, name in enumerate(names, start=1)
    )
    factor = scale / np.sqrt(variance + site.attr("epsilon", 1e-5))
    shift = bias - mean * factor
    body = buffer(factor.astype(np.float32)) + buffer(shift.astype(np.float32))
    site.add("BatchNormCxx", body=body)


def instance_norm(site: Site) -> None:
    """InstanceNormalization: channels, epsilon."""
    site.rank(4)
    scale, bias = site.constant(1, "scale"), site.constant(2, "bias")
    epsilon = float(site.attr("epsilon", 1e-5))
    site.add("InstBatchNormCxx", scale.size, epsilon, body=buffer(scale) + buffer(bias))


def layer_norm(site: Site) -> None:
    """LayerNormalization: over how many last dimensions, epsilon; scale and shift are blobs."""
    if len(site.op.writes) > 1:
        raise RefusedError("it makes mean and deviation too: LayerNorm doesn't")
    if not site.has(2):
        raise RefusedError("it has no bias: LayerNorm reads one")
    count = len(site.shape()) - site.axis(int(site.attr("axis", -1)))
    epsilon = float(site.attr("epsilon", 1e-5))
    site.add("LayerNorm", count, epsilon, inputs=[site.blob(index) for index in range(3)])


def lrn(site: Site) -> None:
    """LRN: alpha, beta, bias, size."""
    alpha, beta = float(site.attr("alpha", 1e-4)), float(site.attr("beta", 0.75))
    site.add("LRN", alpha, beta, float(site.attr("bias", 1.0)), int(site.attr("size")))


CONVERTERS = {
    "BatchNormalization": batch_norm,
    "InstanceNormalization": instance_norm,
    "LayerNormalization": layer_norm,
    "LRN": lrn,
}
