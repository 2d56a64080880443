"""The runner that goes along with exported ONNX parts; it needs onnxruntime and numpy alone."""

RUNNER = '''"""Runs the parts of this folder, in order, with ONNX Runtime.

    python run.py                           # the sample, compared with what is stored with it
    python run.py x=image.npy -o out.npz    # inputs of your own
"""

import argparse
import json
from pathlib import Path

import numpy as np
import onnxruntime as ort

HERE = Path(__file__).parent
REPORT = json.loads((HERE / "report.json").read_text(encoding="utf-8"))


def run(inputs, plain=False):
    """Model inputs by name to model outputs by name; plain: op by op, as the parts were proven."""
    options = ort.SessionOptions()
    if plain:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    values = dict(inputs)
    for part in REPORT["parts"]:
        path = HERE / part["files"][0]
        session = ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        feeds = {port["name"]: values[port["name"]] for port in part["inputs"]}
        names = [port["name"] for port in part["outputs"]]
        values.update(zip(names, session.run(names, feeds)))
    return {port["name"]: values[port["name"]] for port in REPORT["outputs"]}


def main():
    parser = argparse.ArgumentParser(description="Run the exported parts.")
    parser.add_argument("inputs", nargs="*", metavar="NAME=FILE.npy")
    parser.add_argument("-o", "--output", help="store the outputs: an .npz, o0, o1, ... in order")
    parser.add_argument("--plain", action="store_true", help="without ONNX Runtime's optimisations")
    options = parser.parse_args()
    sample = np.load(HERE / "sample.npz")
    inputs = {port["name"]: sample[f"i{i}"] for i, port in enumerate(REPORT["inputs"])}
    for text in options.inputs:
        name, _, file = text.rpartition("=")
        inputs[name] = np.load(file)
    outputs = run(inputs, options.plain)
    for index, (name, array) in enumerate(outputs.items()):
        print(name, array.dtype, array.shape)
        if not options.inputs and array.dtype.kind in "fiub" and array.size:
            wanted = sample[f"o{index}"].astype(np.float64)
            print("  max error against the stored sample:", np.abs(array - wanted).max())
    if options.output:
        np.savez(options.output, **{f"o{i}": array for i, array in enumerate(outputs.values())})


if __name__ == "__main__":
    main()
'''
"""Text of `run.py`."""
