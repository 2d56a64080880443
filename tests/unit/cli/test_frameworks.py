"""`hetsched frameworks`: Table I then and today, and one framework in detail."""

import json

import pytest

from hetsched.cli import main
from hetsched.convert.capability_rows import index


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit code, standard output, standard error of `hetsched frameworks ...`."""
    with pytest.raises(SystemExit) as stop:
        main(["frameworks", *words])
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


def test_the_matrix_then_and_today(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys)
    assert code == 0
    assert max(len(line) for line in out.splitlines()) <= 80
    then, _, today = out.partition("As of 2026-11:")
    # Table I's row of MACE: x86, Arm, OpenCL, APU.
    assert "Xiaomi MACE      yes   yes   -     yes    yes   -     -     -     -" in then
    # Seen since: runtimes for Hexagon and QNN.
    assert "Xiaomi MACE      yes   yes   -     yes    yes*  -     yes*  -     -" in today
    assert "TensorRT         host  host  yes" in today
    assert "  Caffe, GPU-OpenCL: partial; separate opencl branch, unmaintained" in today
    assert "MiniDNN: the repository that the paper cites" in today
    assert "samsung-one" in today


@pytest.mark.parametrize("name", list(index()))
def test_every_framework_in_detail(capsys: pytest.CaptureFixture[str], name: str) -> None:
    code, out, _ = run(capsys, name)
    assert code == 0
    lines = out.splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert lines[1] == "backend           table       full partial  none"
    assert "Limits:" in out or "No limits listed." in out
    assert "Hardware: the paper, today" in out or "Not in Table I." in out


def test_what_is_incomplete_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "snpe")
    assert "converter         incomplete" in out
    _, out, _ = run(capsys, "MiniDNN")
    assert "cpu               complete       0       9    11" in out
    assert out.rstrip().endswith("the op table here is the\nrepository's.")


def test_a_name_of_table_1_may_have_two_op_tables(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "PyTorch Mobile")
    assert "pytorch_mobile: PyTorch Mobile in Table I" in out
    assert "executorch: PyTorch Mobile in Table I" in out
    assert out.count("Hardware: the paper, today") == 1


def test_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "--json")
    content = json.loads(out)
    assert len(content["hardware"]) == 11 * 9
    assert [one["name"] for one in content["frameworks"]] == list(index())
    _, out, _ = run(capsys, "tvm", "--json")
    content = json.loads(out)
    fpga = next(cell for cell in content["hardware"] if cell["hardware"] == "FPGA")
    assert (fpga["paper"], fpga["today"], fpga["confidence"]) == (True, "no", "seen")
    assert "17542" in fpga["source"]
    (tvm,) = content["frameworks"]
    assert tvm["backends"][0]["closed_world"] is True


def test_unknown_name_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "tensorlite")
    assert (code, out) == (1, "")
    assert err.startswith("error: unknown framework 'tensorlite': ")
    assert err.count("\n") == 1
