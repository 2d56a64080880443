"""Each op becomes the layers that TNN's interpreters take; every file passes a strict reader."""

from pathlib import Path

import numpy as np
import pytest

from hetsched.backends.reference import reference_outputs
from hetsched.convert.export.frame import export
from hetsched.convert.export.target import find
from hetsched.convert.export.tnn.layers import CONVERTERS
from hetsched.convert.export.tnn.read_back import READS
from hetsched.convert.export.tools import Tools
from hetsched.ir.load import load

from .cases import CASES, Case
from .reader import Net, read
from .replay import LAYERS, run


def exported(case: Case, tmp_path: Path) -> Net:
    model = load(case.save(tmp_path / "m.onnx"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))  # where no pnnx is
        report = export(model, find("tnn"), tmp_path / "out", tools=Tools(make=False))
    assert report.parts[0].proof is not None
    assert report.parts[0].proof.method == "structure only"
    return read(tmp_path / "out" / "model.tnnproto")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_an_op_becomes_its_layers(case: Case, tmp_path: Path) -> None:
    net = exported(case, tmp_path)
    if case.positive:
        assert net.layers.pop(0).type == "Sigmoid"
    assert tuple(" ".join([la.type, *la.params]) for la in net.layers) == case.lines
    assert net.inputs == {"x": case.shape}
    assert net.outputs == [f"y{index}" for index in range(case.outputs)]


def unread(case: Case) -> bool:
    """Whether pnnx can't read back some layer of it, but our own replay can."""
    types = {line.split()[0] for line in case.lines}
    return bool(types - READS or case.op == "Sub") and types <= LAYERS.keys()


@pytest.mark.parametrize("case", [c for c in CASES if unread(c)], ids=lambda case: case.id)
def test_what_pnnx_lacks_computes_the_same_by_tnn_s_words(case: Case, tmp_path: Path) -> None:
    net = exported(case, tmp_path)
    x = np.random.default_rng(0).standard_normal(case.shape).astype(np.float32)
    expected = reference_outputs(tmp_path / "m.onnx", {"x": x}, optimize=False)
    made = run(net, x)
    for name, wanted in expected.items():
        assert np.allclose(made[name], np.asarray(wanted), rtol=1e-4, atol=1e-5), name


def test_every_layer_is_read_by_someone() -> None:
    types = {line.split()[0] for case in CASES for line in case.lines}
    assert types <= READS | LAYERS.keys()


def test_forty_layer_types_are_covered() -> None:
    types = {line.split()[0] for case in CASES for line in case.lines}
    assert len(types) >= 40
    assert {case.op for case in CASES} <= CONVERTERS.keys()


def weights_of(case: Case, tmp_path: Path) -> list[np.ndarray]:
    return exported(case, tmp_path).layers[-1].weights


def case_of(op: str, number: int = 0) -> Case:
    return [case for case in CASES if case.op == op][number]


def test_kernels_stay_as_they_are(tmp_path: Path) -> None:
    for op in ("Conv", "ConvTranspose"):
        case = case_of(op)
        (tmp_path / op).mkdir()
        kernel, bias = weights_of(case, tmp_path / op)
        assert np.array_equal(kernel, case.constants["w"])
        assert np.array_equal(bias, case.constants["b"])


def test_a_product_is_stored_by_outputs_with_its_factors(tmp_path: Path) -> None:
    case = case_of("Gemm")
    matrix, bias = weights_of(case, tmp_path)
    assert np.array_equal(matrix, case.constants["w"].T * np.float32(2))
    assert np.array_equal(bias, case.constants["b"] * np.float32(0.5))


def test_a_missing_bias_is_zero(tmp_path: Path) -> None:
    _, bias = weights_of(case_of("Gemm", 1), tmp_path)
    assert np.array_equal(bias, np.zeros(5, np.float32))


def test_a_batch_norm_is_a_scale_and_a_shift(tmp_path: Path) -> None:
    case = case_of("BatchNormalization")
    scale, shift = weights_of(case, tmp_path)
    given = case.constants
    expected = given["s"] / np.sqrt(given["v"] + np.float32(1e-5))
    assert np.allclose(scale, expected, rtol=1e-6)
    assert np.allclose(shift, given["b"] - given["m"] * expected, rtol=1e-5)


def test_stored_operands_have_the_rank_of_the_other(tmp_path: Path) -> None:
    (operand,) = weights_of(case_of("Add"), tmp_path)
    assert operand.shape == (1, 4, 1, 1)


def test_indices_count_from_the_front(tmp_path: Path) -> None:
    (indices,) = weights_of(case_of("Gather"), tmp_path)
    assert indices.tolist() == [3, 0]


def test_constants_that_layers_read_as_blobs_are_listed(tmp_path: Path) -> None:
    net = exported(case_of("LayerNormalization"), tmp_path)
    assert [net.constants[name].shape for name in net.layers[0].inputs[1:]] == [(8,), (8,)]


@pytest.mark.full
def test_pnnx_reads_back_what_it_knows(tmp_path: Path) -> None:
    """Every case that pnnx reads, in PyTorch against ONNX Runtime; it is installed once."""
    proven = 0
    for number, case in enumerate(CASES):
        model = load(case.save(tmp_path / f"{number}.onnx"))
        report = export(model, find("tnn"), tmp_path / str(number), tools=Tools(prove=True))
        proof = report.parts[0].proof
        assert proof is not None
        proven += proof.method != "structure only"
    assert proven >= 38
