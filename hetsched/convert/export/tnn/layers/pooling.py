"""Pooling of two spatial axes.

Its parameters: type (0 largest, 1 average), kernel, strides, pads, which blob gives the kernel
(none), pad type, ceil mode, whether adaptive, its output size. A kernel of 0 is the whole image.

TNN's average leaves pads out of the count. Source: the note on it in its onnx_converter_pool.cc.
"""

from hetsched.convert.export.tnn.layer import LARGEST, RefusedError, Site
from hetsched.convert.export.tnn.layers.convolution import padded, pads

_LARGEST, _AVERAGE = 0, 1
_NO_BLOB, _EXPLICIT = -1, -1
_NOT_ADAPTIVE = (0, -1, -1)


def pool(site: Site) -> None:
    """MaxPool and AveragePool of two spatial axes."""
    rank = site.rank(4) - 2
    average = site.op.op_type == "AveragePool"
    if any(int(value) != 1 for value in site.attr("dilations", ())):
        raise RefusedError("it has dilations: Pooling has none")
    if len(site.op.writes) > 1:
        raise RefusedError("it makes indices too: Pooling doesn't")
    begins, ends = pads(site, rank)
    counted = average and bool(site.attr("count_include_pad", 0)) and any((*begins, *ends))
    if average and begins != ends and not counted:
        raise RefusedError("its pads differ and aren't counted: Pooling has one per axis")
    source = site.blob(0)
    if counted or begins != ends:
        source = _in_front(site, begins, ends, 0.0 if average else -LARGEST)
        begins = [0, 0]
    site.add(
        "Pooling", _AVERAGE if average else _LARGEST, *map(int, site.attr("kernel_shape")),
        *map(int, site.attr("strides", (1, 1))), *begins, _NO_BLOB, _NO_BLOB, _EXPLICIT,
        int(site.attr("ceil_mode", 0)), *_NOT_ADAPTIVE, inputs=[source],
    )  # fmt: skip


def _in_front(site: Site, begins: list[int], ends: list[int], value: float) -> str:
    if site.attr("ceil_mode", 0):
        raise RefusedError("it rounds sizes up behind pads that Pooling doesn't have")
    if begins != ends:
        return padded(site, begins, ends, value)
    made = site.between()
    site.add("PadV2", 4, 0, 0, *begins, 0, 0, *ends, 0, value, outputs=[made])
    return made


def global_pool(site: Site) -> None:
    """GlobalMaxPool and GlobalAveragePool."""
    site.rank(4)
    kind = _AVERAGE if site.op.op_type == "GlobalAveragePool" else _LARGEST
    site.add("Pooling", kind, 0, 0, 1, 1, 0, 0, _NO_BLOB, _NO_BLOB, _EXPLICIT, 0, *_NOT_ADAPTIVE)


CONVERTERS = {
    "MaxPool": pool,
    "AveragePool": pool,
    "GlobalMaxPool": global_pool,
    "GlobalAveragePool": global_pool,
}
