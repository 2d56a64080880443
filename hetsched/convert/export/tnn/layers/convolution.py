"""Convolutions. Pads that aren't the same on both sides become a layer before."""

from collections.abc import Sequence

import numpy as np

from hetsched.convert.export.tnn.layer import RefusedError, Site, buffer, number

_EXPLICIT = -1
"""Pad type: as the numbers say."""

_NO_ACTIVATION = 0


def conv(site: Site) -> None:
    """Conv: group, in, out, kernel, strides, pads, bias, pad type, dilations, activation."""
    rank = site.rank(3, 4) - 2
    weights = site.constant(1, "kernel")
    group = int(site.attr("group", 1))
    begins, ends = pads(site, rank)
    source = padded(site, begins, ends, 0.0)
    even = begins if begins == ends else [0] * rank
    site.add(
        "Convolution1D" if rank == 1 else "Convolution",
        group, weights.shape[1] * group, weights.shape[0], *weights.shape[2:],
        *_ints(site, "strides", rank), *even, int(site.has(2)), _EXPLICIT,
        *_ints(site, "dilations", rank), _NO_ACTIVATION,
        inputs=[source], body=_body(site, weights), named=True,
    )  # fmt: skip


def conv_transpose(site: Site) -> None:
    """ConvTranspose: the same parameters; the kernel stays as ONNX has it."""
    rank = site.rank(4) - 2
    weights = site.constant(1, "kernel")
    group = int(site.attr("group", 1))
    begins, ends = pads(site, rank)
    if begins != ends:
        raise RefusedError(f"its pads {begins} and {ends} differ: Deconvolution has one per axis")
    if any(site.attr("output_padding", ())) or site.attr("output_shape") is not None:
        raise RefusedError("it has output_padding or output_shape: Deconvolution has neither")
    site.add(
        "Deconvolution",
        group, weights.shape[0], weights.shape[1] * group, *weights.shape[2:],
        *_ints(site, "strides", rank), *begins, int(site.has(2)), _EXPLICIT,
        *_ints(site, "dilations", rank), _NO_ACTIVATION, body=_body(site, weights), named=True,
    )  # fmt: skip


def _body(site: Site, weights: np.ndarray) -> bytes:
    """Whether there is a bias, kernel, bias."""
    found = number(int(site.has(2))) + buffer(weights)
    return found + buffer(site.constant(2, "bias")) if site.has(2) else found


def _ints(site: Site, name: str, rank: int) -> list[int]:
    return [int(value) for value in site.attr(name, (1,) * rank)]


def pads(site: Site, rank: int) -> tuple[list[int], list[int]]:
    """Zeros before and after, per axis.

    Raises:
        RefusedError: for auto_pad, which leaves them to the runtime.
    """
    if site.attr("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
        raise RefusedError(f"it has auto_pad {site.attr('auto_pad')}: give the pads as numbers")
    found = [int(value) for value in site.attr("pads", (0,) * 2 * rank)]
    return found[:rank], found[rank:]


def padded(site: Site, begins: Sequence[int], ends: Sequence[int], value: float) -> str:
    """The blob to read: behind a PadV2 where the pads aren't the same on both sides."""
    if list(begins) == list(ends):
        return site.blob(0)
    made = site.between()
    site.add("PadV2", len(begins) + 2, 0, 0, *begins, 0, 0, *ends, 0, float(value), outputs=[made])
    return made


CONVERTERS = {"Conv": conv, "ConvTranspose": conv_transpose}
