"""Reading TNN files back with pnnx, which makes a PyTorch module of them, and running that.

pnnx knows part of TNN's layers and models of one input; it shares no code with our writer.

Source: Tencent/ncnn, tools/pnnx/src/load_tnn.cpp and the patterns for `tnn.` in its passes.
"""

from pathlib import Path

import numpy as np

from hetsched.convert.export.tnn.net import Net, layer_types
from hetsched.convert.export.tools import Kit, Tools
from hetsched.errors import ExportError

KIT = Kit(
    name="pnnx",
    requirements=("pnnx==20261020", "torch==2.13.0", "numpy"),
    size="1.2 GB",
    modules=("pnnx", "torch", "numpy"),
)

READS = frozenset(
    {
        "Add", "BatchNormCxx", "Cast", "Clip", "Concat", "Convolution", "Convolution1D", "Div",
        "Erf", "Flatten", "Gather", "InnerProduct", "Log", "MatMul", "Mul", "PadV2", "Permute",
        "Pooling", "Power", "ReLU", "ReLU6", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceMin",
        "ReduceSum", "Reshape", "Sigmoid", "SoftmaxCaffe", "Sqrt", "Squeeze", "StridedSliceV2",
        "Sub", "Tanh", "Unsqueeze",
    }
)  # fmt: skip
"""Layer types that pnnx turns into PyTorch."""

_RUN = """
import importlib.util, sys
import numpy as np
import torch

spec = importlib.util.spec_from_file_location("model_pnnx", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
with torch.no_grad():
    net = module.Model().float().eval()
    made = net(torch.from_numpy(np.load("input.npy")))
made = made if isinstance(made, (tuple, list)) else (made,)
np.savez("made.npz", **{f"o{index}": value.numpy() for index, value in enumerate(made)})
"""


def why_not(net: Net) -> str | None:
    """Why pnnx can't read a network, None where it can."""
    odd = sorted(layer_types(net.layers) - READS)
    if odd:
        return f"pnnx doesn't read {', '.join(odd)}"
    if any(layer.type in ("Sub", "Div") and layer.params == (0,) for layer in net.layers):
        return "pnnx takes a stored first operand of Sub and Div for the second"
    if len(net.inputs) != 1:
        return f"pnnx reads models of one input, this has {len(net.inputs)}"
    return None


def run(proto: Path, array: np.ndarray, outputs: int, tools: Tools) -> list[np.ndarray]:
    """What pnnx and PyTorch make of the files in a folder of their own.

    Args:
        proto: the text file, the binary one beside it.
        array: the input.
        outputs: how many there are.
        tools: where pnnx is.

    Raises:
        ExportError: when pnnx can't read them, or PyTorch can't run what it makes.
    """
    folder = proto.parent
    np.save(folder / "input.npy", array)
    (folder / "run_back.py").write_text(_RUN, encoding="utf-8")
    shape = ",".join(map(str, array.shape))
    script = "import pnnx, subprocess, sys; sys.exit(subprocess.run([pnnx.EXEC_PATH, *sys.argv[1:]]).returncode)"  # noqa: E501
    module = folder / f"{proto.stem}_pnnx.py"
    try:
        tools.run(KIT, ["-c", script, proto.name, f"inputshape=[{shape}]"], folder)
    except ExportError:
        if not module.is_file():  # it goes on to ncnn's format afterwards, and fails there at times
            raise
    tools.run(KIT, ["run_back.py", module.name], folder)
    with np.load(folder / "made.npz") as made:
        if len(made.files) != outputs:
            raise ExportError(f"pnnx made {len(made.files)} outputs of {proto.name}, not {outputs}")
        return [made[f"o{index}"] for index in range(outputs)]
