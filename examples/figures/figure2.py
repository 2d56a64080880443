"""The paper's figure 2: a ConvTranspose becomes a Conv, a Reshape, a Transpose and a Reshape.

On handwritten digits, the accuracy before, after the exact replacement, after one whose kernel is
too small for that (before and after refitting it to calibration data), and after retraining all.
"""

import tempfile
from pathlib import Path

import numpy as np
import onnxruntime as ort
from common import Lacking, op_list, within
from digits import HERE, testing, training

import hetsched as hs
from hetsched.convert.refit import refit
from hetsched.convert.refit_data import arranged
from hetsched.convert.refit_forms import parse
from hetsched.convert.rewrite import convert
from hetsched.ir.extract import save_whole
from hetsched.ir.model import Model

LACKING = Lacking("ConvTranspose", "DepthToSpace")
ONE_IMAGE = {"x": (1, 1, 8, 8)}


def scores(model: Model, images: np.ndarray) -> np.ndarray:
    """Scores (N, 10) of images (N, 1, 8, 8), one by one as on a device."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        save_whole(model, path)
        session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(["y"], {"x": image[np.newaxis]})[0] for image in images])


def accuracy(model: Model, images: np.ndarray, labels: np.ndarray) -> str:
    """Share of images whose highest score is their label's."""
    return f"{(scores(model, images).argmax(1) == labels).mean():.2f}"


def main() -> None:
    images, labels = testing()
    model = hs.load(HERE / "digits.onnx", shapes=ONE_IMAGE)
    outcome = convert(model, LACKING)
    (rewrite,) = outcome.rewrites
    print("before:", op_list(model))
    print("after: ", op_list(outcome.model))
    print(f"{rewrite.op_type} became {', '.join(rewrite.made)}")
    error = np.abs(scores(model, images) - scores(outcome.model, images)).max()
    print("max error of the scores:", within(float(error), 1e-4))

    calibration = arranged({"x": training()[0]}, model.graph, "digits.npz")
    fitted = refit(model, [parse("ConvTranspose=Conv1x1")], calibration)
    (layer,) = fitted.report.layers
    print("near:  ", op_list(fitted.model))
    before, after = layer.unfitted_error, layer.fitted_error
    print(f"the layer's error: {before:.2f}, refitted {after:.2f} of its output")
    retrained = hs.load(HERE / "digits.retrained.onnx")
    print("retrained:", op_list(retrained))

    print("accuracy before:              ", accuracy(model, images, labels))
    print("after exact replacement:      ", accuracy(outcome.model, images, labels))
    print("after one of 1x1, not fitted: ", accuracy(fitted.unfitted, images, labels))
    print("the same, refitted:           ", accuracy(fitted.model, images, labels))
    print("after retraining all of it:   ", accuracy(retrained, images, labels))


if __name__ == "__main__":
    main()
