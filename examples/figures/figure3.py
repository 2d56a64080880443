"""The paper's figure 3: a tail that the target lacks is cut off and done on the host.

Subtract and Softmax aren't supported; the Mul behind them also reads a skip connection. The whole
tail goes, so two tensors become outputs. The target takes one output only: both are packed into
one tensor, taken apart on the host and post-processed there in NumPy.
"""

import tempfile
from pathlib import Path

import numpy as np
import onnx
from common import Lacking, outputs, within
from onnx import helper, numpy_helper

import hetsched as hs
from hetsched.backends.reference import reference_outputs
from hetsched.convert.packed import one_output
from hetsched.convert.packing import unpack
from hetsched.convert.tail import split
from hetsched.ir.extract import save_part
from hetsched.ir.model import Model


def network(path: Path) -> None:
    """A convolution's features, and attention over them: softmax(scores - offset) * features."""
    rng = np.random.default_rng(0)
    stored = {
        "w1": rng.standard_normal((8, 3, 3, 3)) / 5,
        "w2": rng.standard_normal((8, 8, 1, 1)) / 3,
        "offset": rng.standard_normal((1, 8, 1, 1)),
    }
    nodes = [
        helper.make_node("Conv", ["image", "w1"], ["c1"], "conv1"),
        helper.make_node("Relu", ["c1"], ["features"], "relu"),
        helper.make_node("Conv", ["features", "w2"], ["scores"], "conv2"),
        helper.make_node("Sub", ["scores", "offset"], ["centred"], "subtract"),
        helper.make_node("Softmax", ["centred"], ["attention"], "softmax", axis=1),
        helper.make_node("Mul", ["attention", "features"], ["y"], "mul"),
    ]
    graph = helper.make_graph(
        nodes,
        "figure3",
        [helper.make_tensor_value_info("image", 1, [1, 3, 32, 32])],
        [helper.make_tensor_value_info("y", 1, None)],
        [numpy_helper.from_array(a.astype(np.float32), name) for name, a in stored.items()],
    )
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), path)


def postprocess(scores: np.ndarray, features: np.ndarray, offset: np.ndarray) -> np.ndarray:
    """Subtract, Softmax and Mul on the host."""
    centred = scores - offset
    powers = np.exp(centred - centred.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True) * features)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        network(Path(folder) / "figure3.onnx")
        model = hs.load(Path(folder) / "figure3.onnx")
        blocked = Lacking("Sub", "Softmax").blocked(model.graph)
        parts = split(model.graph, blocked)
        packed = one_output(model, parts)
        assert packed is not None
        main_part = Path(folder) / "main.onnx"
        save_part(packed.model, packed.parts.main, [packed.layout.tensor], main_part)
        image = np.random.default_rng(1).standard_normal((1, 3, 32, 32)).astype(np.float32)
        one = np.asarray(reference_outputs(main_part, {"image": image})[packed.layout.tensor])
        whole = outputs(model, {"image": image})["y"]
    found = unpack(packed.layout, one)
    offset = np.array(model.graph.values["offset"], np.float32).reshape(1, 8, 1, 1)
    made = postprocess(found["scores"], found["features"], offset)

    print("not supported:", ", ".join(model.graph.op[name].op_type for name in blocked))
    print("cut off:", ", ".join(model.graph.op[name].op_type for name in parts.tail))
    print("then outputs:", ", ".join(f"{n} {shape(model, n)}" for n in parts.main_outputs))
    ops = packed.model.graph.op
    print("for the target:", ", ".join(ops[name].op_type for name in packed.parts.main))
    segments = [f"{s.name} at {s.start}:{s.stop}" for s in packed.layout.segments]
    print(f"its one output: {one.shape}, {', '.join(segments)}")
    print("max error against the whole model:", within(float(np.abs(whole - made).max()), 1e-6))


def shape(model: Model, name: str) -> tuple[int | None, ...] | None:
    """Of a tensor."""
    return model.graph.tensors[name].shape


if __name__ == "__main__":
    main()
