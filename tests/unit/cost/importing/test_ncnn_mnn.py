"""Tables of ncnn and MNN: settings, rows, and what doesn't belong together."""

import logging

import pytest

from hetsched.cost.importing import mnn, ncnn
from hetsched.cost.importing.record import Wanted
from hetsched.errors import CostError

from .samples import MNN, NCNN, WANTED, text

TWICE = NCNN + NCNN.replace("num_threads = 4", "num_threads = 1")


def test_networks_of_benchncnn_get_their_name_and_input() -> None:
    rows = ncnn.read(text(NCNN), WANTED)
    assert [(row.name, row.input_shape, row.dtype) for row in rows] == [
        ("squeezenet_v1.1", "1x3x227x227", None),
        ("mobilenet_v1", "1x3x224x224", "int8"),
        ("mynet", "", None),
    ]
    first = rows[0]
    assert (first.latency_ns, first.low_ns, first.high_ns) == (8_870_000, 8_840_000, 8_890_000)
    assert (first.threads, first.runs, first.backend) == (4, 8, "cpu")


def test_a_table_from_the_gpu_says_nothing_about_threads() -> None:
    rows = ncnn.read(text(NCNN.replace("gpu_device = -1", "gpu_device = 0")), WANTED)
    assert {(row.backend, row.threads) for row in rows} == {("vulkan", None)}


def test_two_thread_counts_need_a_choice() -> None:
    with pytest.raises(CostError, match="mixes thread counts 4, 1: choose one with --threads"):
        ncnn.read(text(TWICE), WANTED)
    rows = ncnn.read(text(TWICE), Wanted(unit="cpu", dtype=None, threads=1))
    assert {row.threads for row in rows} == {1}


def test_two_backends_need_a_choice() -> None:
    both = NCNN + NCNN.replace("gpu_device = -1", "gpu_device = 0")
    with pytest.raises(CostError, match="mixes backends cpu, vulkan: choose one with --only"):
        ncnn.read(text(both), WANTED)
    rows = ncnn.read(text(both), Wanted(unit="gpu", dtype=None, threads=None, only="vulkan"))
    assert {row.backend for row in rows} == {"vulkan"}
    with pytest.raises(CostError, match="only cpu with 4 threads, vulkan with"):
        ncnn.read(text(both), Wanted(unit="gpu", dtype=None, threads=None, only="metal"))


def test_the_same_network_twice_is_a_duplicate() -> None:
    other = NCNN.replace("powersave = 2", "powersave = 0")
    with pytest.raises(CostError, match=r"log.txt:18: squeezenet_v1.1 is there twice.*log.txt:8 "
                       r"\(big cores and all cores\)"):  # fmt: skip
        ncnn.read(text(NCNN + other), WANTED)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("   -8.84", "min -8.84 is negative"),
        ("     nan", "min is nan"),
        (" 4.43/s ", "min '4.43/s' is not a number"),
        ("    9.84", "min 9.84, avg 8.87, max 8.89 must be above zero and ascend"),
        ("    0.00", "min 0.00, avg 8.87, max 8.89 must be above zero"),
    ],
)
def test_wrong_times_are_refused(cell: str, message: str) -> None:
    with pytest.raises(CostError, match=f"log.txt:8: {message}"):
        ncnn.read(text(NCNN.replace("    8.84", cell)), WANTED)


def test_a_table_without_rows_is_refused() -> None:
    with pytest.raises(CostError, match="let benchncnn finish a network"):
        ncnn.read(text(NCNN.split("          squeezenet")[0]), WANTED)


def test_mnn_rows_that_fell_back_to_the_cpu_are_left_out_and_told(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.WARNING):
        rows = mnn.read(text(MNN), WANTED)
    assert [(row.name, row.input_shape, row.latency_ns) for row in rows] == [
        ("mobilenet_v1", "1x3x224x224", 51_453_000),
        ("SqueezeNetV1.0", "", 109_895_000),
    ]
    assert {(row.backend, row.threads, row.runs) for row in rows} == {("opencl", None, 20)}
    assert "log.txt:7: resnet50_v2 left out: line 6: OpenCL don't support 68" in caplog.text


def test_threads_of_mnn_count_on_the_cpu() -> None:
    rows = mnn.read(text(MNN.replace("**OpenCL**", "**CPU**")), WANTED)
    assert {(row.backend, row.threads) for row in rows} == {("cpu", 2)}


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("51.453 ms", "51.453 s", "units of measure ms, ms, s: all times of MNN's table are ms"),
        ("  avg =   51.453 ms", "", "is no whole row"),
        ("51.453 ms", "99.453 ms", "must be above zero and ascend"),
    ],
)
def test_wrong_rows_of_mnn_are_refused(before: str, after: str, message: str) -> None:
    with pytest.raises(CostError, match=f"log.txt:5: .*{message}"):
        mnn.read(text(MNN.replace(before, after)), WANTED)
