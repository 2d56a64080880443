"""A layer that ONNX doesn't have: decoding anchor boxes, as detectors do it on their last layer.

Run it by `hetsched --ops examples/custom_op/decode_boxes.py COMMAND`, or import it: it registers
the op.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hetsched.ir.custom import CustomOp, Kind, register
from hetsched.ir.custom_kernel import OpenCLKernel
from hetsched.ir.graph import Tensor

SOURCE = """
kernel void decode_boxes(global const float4 *offset, global const float4 *anchor,
                         global float4 *box, const float scale, const int boxes,
                         const int count) {
    const int i = get_global_id(0);
    if (i >= count) return;
    const float4 moved = offset[i] * scale, from = anchor[i % boxes];
    const float2 centre = from.xy + moved.xy * from.zw;
    const float2 size = from.zw * exp(moved.zw);
    box[i] = (float4)(centre - size * 0.5f, centre + size * 0.5f);
}
"""


def infer(inputs: Sequence[Tensor], _: Mapping[str, Any]) -> list[Kind]:
    """Boxes have the offsets' dtype and shape, (N, boxes, 4)."""
    return [(inputs[0].dtype or "float32", inputs[0].shape or ())]


def reference(offsets: np.ndarray, anchors: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """Corners of boxes, (N, boxes, 4).

    Args:
        offsets: (N, boxes, 4): of the centre in anchor sizes, and logarithms of the size.
        anchors: (boxes, 4): centre x, centre y, width, height.
        scale: of the offsets.
    """
    centre = anchors[:, :2] + offsets[..., :2] * scale * anchors[:, 2:]
    size = anchors[:, 2:] * np.exp(offsets[..., 2:] * scale)
    return np.concatenate([centre - size / 2, centre + size / 2], axis=-1)


def numbers(inputs: Sequence[Tensor], attributes: Mapping[str, Any]) -> tuple[float, int]:
    """What the kernel gets besides its tensors: `scale`, and how many anchors there are."""
    return float(attributes.get("scale", 1.0)), (inputs[1].elements or 0) // 4


def items(inputs: Sequence[Tensor], _: Mapping[str, Any]) -> int:
    """One work item per box."""
    return (inputs[0].elements or 0) // 4


register(
    CustomOp(
        domain="com.example",
        name="DecodeBoxes",
        version=1,
        infer=infer,
        reference=reference,
        opencl=OpenCLKernel(source=SOURCE, name="decode_boxes", numbers=numbers, items=items),
    )
)
