"""Which ops kernels stand for: TFLite's by name and by order, a CSV's by name."""

from dataclasses import replace
from pathlib import Path

import pytest

from hetsched.cost.importing.anchor import anchor
from hetsched.cost.importing.record import ImportedCost
from hetsched.cost.importing.table import read as read_table
from hetsched.cost.importing.tflite import read as read_tflite
from hetsched.errors import CostError
from hetsched.ir.graph import Graph
from hetsched.ir.load import load

from .samples import LITERT, TFLITE, TFLITE_XNNPACK, WANTED, text, write_net


@pytest.fixture
def graph(tmp_path: Path) -> Graph:
    return load(write_net(tmp_path / "net.onnx")).graph


def kernels(log: str) -> list[ImportedCost]:
    return [row for row in read_tflite(text(log), WANTED) if row.scope == "op"]


EXPECTED = (("relu",), ("dw",), ("pw",), ("sum",), ("pool",), ("fc",))


def test_tensors_of_the_models_own_names_decide(graph: Graph) -> None:
    found = anchor(graph, kernels(TFLITE), whole_table=True)
    assert (found.ops, found.complete, found.notes) == (
        # `ar` is made by the Relu that TFLite's convolution has taken in; not a convolution, so
        # names alone don't fit and order decides: the convolution itself.
        (("conv",), *EXPECTED[1:]), True,
        ("tflite's names aren't the model's: kernels were matched by order and kind",),
    )  # fmt: skip


def test_names_that_fit_leave_no_note(graph: Graph) -> None:
    log = TFLITE.replace("[ar]:0", "[a;model/conv/Conv2D]:0")
    found = anchor(graph, kernels(log), whole_table=True)
    assert (found.ops, found.notes) == ((("conv",), *EXPECTED[1:]), ())


def test_names_that_say_nothing_are_matched_by_order_and_kind(graph: Graph) -> None:
    found = anchor(graph, kernels(TFLITE_XNNPACK), whole_table=True)
    assert found.ops == (("conv",), *EXPECTED[1:])


def test_litert_counts_a_reshape_as_a_kernel(graph: Graph) -> None:
    found = anchor(graph, kernels(LITERT), whole_table=True)
    assert found.ops == (("conv",), *EXPECTED[1:5], ("flat",), ("fc",))


def test_light_kernels_of_the_converter_stand_for_no_op(graph: Graph) -> None:
    rows = kernels(TFLITE_XNNPACK)
    pad = replace(rows[0], kind="PAD", name="Delegate/Pad:9", at="log.txt:9 (PAD)")
    found = anchor(graph, [pad, *rows], whole_table=True)
    assert found.ops == ((), ("conv",), *EXPECTED[1:])


def test_a_convolution_too_many_or_too_few_is_another_model(graph: Graph) -> None:
    rows = kernels(TFLITE_XNNPACK)
    with pytest.raises(CostError, match="no op of the model fits kernel Convolution"):
        anchor(graph, [rows[0], *rows], whole_table=True)
    with pytest.raises(CostError, match=r"no kernel of the table fits op 'conv' \(Conv\)"):
        anchor(graph, rows[1:], whole_table=True)
    with pytest.raises(CostError, match=r"no kernel of the table fits op 'fc' \(Gemm\)"):
        anchor(graph, rows[:-1], whole_table=True)


def test_a_csv_names_ops_or_tensors(graph: Graph) -> None:
    rows = read_table(text("op,time_ms\nconv;ar,2\np,1\n"), WANTED)
    found = anchor(graph, rows, whole_table=True)
    assert (found.ops, found.complete) == ((("conv", "relu"), ("pw",)), False)


def test_a_csv_with_an_unknown_or_doubled_op_is_refused(graph: Graph) -> None:
    rows = read_table(text("op,time_ms\nconvv,2\n"), WANTED)
    with pytest.raises(CostError, match=r"log.txt:2 .*nor a tensor 'convv' \(did you mean 'conv'"):
        anchor(graph, rows, whole_table=True)
    rows = read_table(text("op,time_ms\nconv,2\na,3\n"), WANTED)  # `a` is made by conv
    with pytest.raises(CostError, match=r"log.txt:3 \(a\): op 'conv' is in log.txt:2 \(conv\), to"):
        anchor(graph, rows, whole_table=True)
