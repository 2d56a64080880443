"""What the installed libraries can read: opsets, IR versions, domains, legacy ops."""

from importlib.metadata import PackageNotFoundError, version

import onnx

_ORT_RELEASE = (1, 31)
_ORT_OPSETS = {"": 26, "ai.onnx.ml": 5}
_ORT_IR_VERSION = 13
"""Newest that ONNX Runtime takes up to that release.

Source: sessions made with onnxruntime 1.31.1 for one-op models of rising versions.
"""

RUNTIME_DOMAINS = frozenset({
    "com.microsoft", "com.microsoft.nchwc", "com.microsoft.experimental", "com.microsoft.dml",
    "com.ms.internal.nhwc", "ai.onnx.preview.training", "ai.onnx.preview", "ai.onnx.training",
})  # fmt: skip
"""Domains that ONNX Runtime registers beside ai.onnx and ai.onnx.ml."""

LEGACY_OPS = frozenset({
    "Affine", "Crop", "DynamicSlice", "GRUUnit", "GivenTensorFill", "ImageScaler",
    "ParametricSoftplus", "Scale", "ScaledTanh", "SimplifiedLayerNormalization",
})  # fmt: skip
"""Ops of the ONNX domain that ONNX's schemas don't have and ONNX Runtime runs.

Source: the registry of operator schemas of onnxruntime 1.31.1.
"""


def normal_domain(domain: str) -> str:
    """`ai.onnx` is written as the empty domain."""
    return "" if domain == "ai.onnx" else domain


def newest_opset(domain: str) -> int | None:
    """The newest version of a domain that can be read; None for domains without a limit."""
    if domain == "":
        known = int(onnx.defs.onnx_opset_version())
    elif domain == "ai.onnx.ml":
        known = int(onnx.defs.onnx_ml_opset_version())
    else:
        return None
    return min(known, _ORT_OPSETS[domain]) if runtime_is_covered() else known


def newest_ir_version() -> int:
    """The newest version of the file format that can be read."""
    known = int(onnx.IR_VERSION)
    return min(known, _ORT_IR_VERSION) if runtime_is_covered() else known


def runtime_is_covered() -> bool:
    """Whether the installed ONNX Runtime is no newer than the one the numbers here are from."""
    try:
        release = version("onnxruntime").split(".")
    except PackageNotFoundError:
        return False
    return (int(release[0]), int(release[1])) <= _ORT_RELEASE
