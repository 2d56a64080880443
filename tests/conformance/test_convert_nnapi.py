"""Conversions for NNAPI, judged by ONNX Runtime's own mobile checker and by the numbers."""

from pathlib import Path

import numpy as np
import onnx
import onnx_ir
import pytest
from onnxruntime.tools.mobile_helpers.usability_checker import check_nnapi_partitions

from hetsched.backends.reference import reference_outputs
from hetsched.convert.adapt import adapt
from hetsched.convert.fitting import fitting_target
from hetsched.ir.extract import save_whole
from hetsched.ir.load import load
from hetsched.ir.model import Model
from hetsched.ir.sample import samples


def partitions(model: Model, *, fixed: bool) -> int:
    proto = onnx.shape_inference.infer_shapes(onnx_ir.serde.serialize_model(model.onnx()))
    count: int = check_nnapi_partitions(proto, require_fixed_input_sizes=fixed).num_partitions
    return count


@pytest.mark.parametrize(
    ("name", "before", "fixed"),
    # The checker takes ppocr-det's stored `roi` without elements for an unknown size, so that
    # fixed sizes aren't asked for there.
    [("shufflenet", 14, True), ("resnet50", 17, True), ("ppocr-det", 7, False)],
)
def test_one_partition_is_left(name: str, before: int, *, fixed: bool) -> None:
    model = load(f"zoo:{name}")
    assert partitions(model, fixed=fixed) == before
    target = fitting_target(model.graph, "onnxruntime", "nnapi")
    adapted = adapt(model, target, certified=False)
    assert adapted.blocking == ()
    assert adapted.parts.is_whole
    assert partitions(adapted.whole, fixed=fixed) == 1


def test_ppocr_det_equals_the_original_within_a_hundred_thousandth(tmp_path: Path) -> None:
    model = load("zoo:ppocr-det")
    adapted = adapt(model, fitting_target(model.graph, "onnxruntime", "nnapi"))
    types = {op.op_type for op in adapted.whole.graph.ops}
    assert not types & {"ConvTranspose", "HardSigmoid"}
    save_whole(adapted.whole, tmp_path / "det.onnx")
    inputs = samples(model.graph)
    expected = reference_outputs(model.path, inputs, optimize=False)
    found = reference_outputs(tmp_path / "det.onnx", inputs, optimize=False)
    for name, array in expected.items():
        same = found[name]
        assert isinstance(array, np.ndarray)
        assert isinstance(same, np.ndarray)
        assert float(np.abs(same - array).max()) <= 1e-5 * float(np.ptp(array))
        assert float(np.ptp(array)) > 0
