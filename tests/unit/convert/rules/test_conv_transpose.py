"""ConvTranspose to Conv, Reshape, Transpose, Reshape."""

from pathlib import Path

import onnx
import pytest

from tests.unit.convert.rules.harness import after, converted, one, values, why_not

MISSING = ("ConvTranspose", "DepthToSpace")


def transposed(
    kernel: int, stride: int, pads: list[int], extra: int = 0, dilation: int = 1, group: int = 1
) -> onnx.ModelProto:
    return one(
        "ConvTranspose",
        (1, 4, 5, 4),
        values(4, 3, kernel, kernel),
        values(3 * group),
        strides=[stride, stride],
        pads=pads,
        output_padding=[extra, extra],
        dilations=[dilation, dilation],
        group=group,
    )


def test_figure_2(tmp_path: Path) -> None:
    """Kernel and stride of 2: the phases don't overlap, the convolution is 1x1."""
    outcome = converted(tmp_path, transposed(2, 2, [0, 0, 0, 0]), *MISSING)
    ops = outcome.model.graph.ops
    assert [op.op_type for op in ops] == ["Conv", "Reshape", "Transpose", "Reshape"]
    assert outcome.model.graph.tensors[ops[0].inputs[1]].shape == (12, 4, 1, 1)


CASES = [
    (kernel, stride, pads, extra, dilation, group)
    for kernel in (1, 3, 4)
    for stride in (1, 2, 3)
    for pads in ([0, 0, 0, 0], [1, 0, 2, 1])
    for extra in (0, 1)
    for dilation in (1, 2)
    for group in (1, 2)
    if extra < stride and (max(pads) < kernel) and (kernel > 1 or dilation == 1)
]


@pytest.mark.parametrize("case", CASES[::3], ids=str)
def test_a_sample_of_forms(tmp_path: Path, case: tuple[int, int, list[int], int, int, int]) -> None:
    made = after(tmp_path, transposed(*case), *MISSING)
    assert set(made) <= {"Conv", "Reshape", "Transpose", "Slice"}


@pytest.mark.full
@pytest.mark.parametrize("case", CASES, ids=str)
def test_all_forms(tmp_path: Path, case: tuple[int, int, list[int], int, int, int]) -> None:
    made = after(tmp_path, transposed(*case), *MISSING)
    assert set(made) <= {"Conv", "Reshape", "Transpose", "Slice"}


def test_one_spatial_axis(tmp_path: Path) -> None:
    proto = one("ConvTranspose", (1, 4, 7), values(4, 3, 4), strides=[2], pads=[1, 1])
    assert after(tmp_path, proto, *MISSING) == ["Conv", "Reshape", "Transpose", "Reshape", "Slice"]


def test_padding_that_runtimes_split_differently_is_refused(tmp_path: Path) -> None:
    same = one("ConvTranspose", (1, 4, 5, 4), values(4, 3, 3, 3), auto_pad="SAME_UPPER")
    assert "auto_pad SAME" in why_not(tmp_path, same, "conv-transpose", *MISSING)
    shaped = one("ConvTranspose", (1, 4, 5, 4), values(4, 3, 3, 3), output_shape=[6, 6])
    assert "output_shape" in why_not(tmp_path, shaped, "conv-transpose", *MISSING)
