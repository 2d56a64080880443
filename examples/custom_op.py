"""A small detector whose last layer is the custom op: planned, run, compared with plain NumPy.

python examples/custom_op.py
"""

import asyncio
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx  # noqa: TID251  (to make the model)
from onnx import TensorProto, helper, numpy_helper  # noqa: TID251

import hetsched as hs

sys.path.insert(0, str(Path(__file__).parent / "custom_op"))
import decode_boxes

BOXES = 64


def model(path: Path) -> None:
    """A convolution, boxes of its four channels, decoded."""
    rng = np.random.default_rng(0)
    weight = rng.standard_normal((4, 3, 3, 3)).astype(np.float32) * 0.1
    anchors = rng.uniform(1, 8, (BOXES, 4)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["image", "w"], ["c"], "conv", pads=[1, 1, 1, 1]),
        helper.make_node("Transpose", ["c"], ["t"], "to-boxes", perm=[0, 2, 3, 1]),
        helper.make_node("Reshape", ["t", "shape"], ["offsets"], "flatten"),
        helper.make_node(
            "DecodeBoxes", ["offsets", "anchors"], ["b"], "decode", domain="com.example", scale=0.5
        ),
        helper.make_node("Relu", ["b"], ["boxes"], "clip-at-0"),
    ]
    stored = [
        numpy_helper.from_array(weight, "w"),
        numpy_helper.from_array(anchors, "anchors"),
        numpy_helper.from_array(np.array([1, BOXES, 4]), "shape"),
    ]
    graph = helper.make_graph(
        nodes,
        "detector",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 8, 8])],
        [helper.make_tensor_value_info("boxes", TensorProto.FLOAT, [1, BOXES, 4])],
        stored,
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.example", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)


async def main() -> None:
    """Plan it for a phone, run it here."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "detector.onnx"
        model(path)
        loaded = hs.load(path)
        plan = hs.plan(loaded, hs.profile("helio-g90"))
        unit = next(part.unit for part in plan.subgraphs if "decode" in part.ops)
        print(f"DecodeBoxes makes {loaded.graph.tensors['b'].shape}, planned on {unit}")
        image = np.random.default_rng(1).random((1, 3, 8, 8), np.float32)
        async with hs.Runtime(hs.host_units()) as runtime:
            app = await runtime.deploy(plan, name="detector", model=loaded)
            boxes = (await app({"image": image}))["boxes"]
        stored = {t.name: numpy_helper.to_array(t) for t in onnx.load(path).graph.initializer}
        padded = np.pad(image[0], ((0, 0), (1, 1), (1, 1)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
        offsets = np.einsum("chwij,ocij->hwo", windows, stored["w"]).reshape(1, BOXES, 4)
        expected = np.maximum(decode_boxes.reference(offsets, stored["anchors"], scale=0.5), 0)
        print("same as plain NumPy:", bool(np.allclose(boxes, expected, atol=1e-5)))


asyncio.run(main())
