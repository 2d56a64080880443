"""ONNX op types to TNN layers, one file per family.

A converter adds an op's layers to its site, or raises `RefusedError` with the reason.
"""

from collections.abc import Callable, Mapping

from hetsched.convert.export.tnn.layer import Site
from hetsched.convert.export.tnn.layers import (
    activation,
    convolution,
    dense,
    elementwise,
    normalization,
    pooling,
    reduction,
    resampling,
    shape,
    slicing,
)

CONVERTERS: Mapping[str, Callable[[Site], None]] = {
    **convolution.CONVERTERS,
    **pooling.CONVERTERS,
    **dense.CONVERTERS,
    **elementwise.CONVERTERS,
    **activation.CONVERTERS,
    **normalization.CONVERTERS,
    **reduction.CONVERTERS,
    **resampling.CONVERTERS,
    **shape.CONVERTERS,
    **slicing.CONVERTERS,
}
"""ONNX op type to what makes its layers."""
