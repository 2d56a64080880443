"""benchmark_model's output: which table, which columns, whose rows."""

import re

import pytest

from hetsched.cost.importing.record import Wanted
from hetsched.cost.importing.tflite import is_log, read
from hetsched.errors import CostError

from .samples import LITERT, LITERT_PYTHON, TFLITE, TFLITE_CSV, TFLITE_XNNPACK, WANTED, text

DELEGATE = (
    "\t     TfLiteGpuDelegateV2\t            0.000\t    8.317\t    8.671\t100.000%\t100.000%"
    "\t     0.000\t        1\t[Identity]:77\n"
)
CONV = re.compile(r"\t +CONV_2D\t +0\.000.*\n")


def test_the_regular_runs_are_read_and_not_the_initialisation() -> None:
    rows = read(text(TFLITE), WANTED)
    assert [(row.kind, row.name, row.latency_ns) for row in rows] == [
        ("CONV_2D", "[ar]:0", 400_000),
        ("DEPTHWISE_CONV_2D", "[d]:1", 200_000),
        ("CONV_2D", "[p]:2", 250_000),
        ("ADD", "[s]:3", 50_000),
        ("MEAN", "[g]:4", 80_000),  # called twice in a run: 2 x 0.040 ms
        ("FULLY_CONNECTED", "[y]:5", 20_000),
        ("", "net", 1_000_000),
    ]
    assert {row.threads for row in rows} == {2}
    assert [row.scope for row in rows] == ["op"] * 6 + ["model"]


def test_a_kernels_band_is_that_of_the_runs_that_the_table_is_about() -> None:
    conv = read(text(TFLITE), WANTED)[0]
    # Timings of the table: min 900, avg 1000, max 1200 over 50 runs: 0.9 and 1.2 times 400 us.
    assert (conv.low_ns, conv.high_ns, conv.runs) == (360_000, 480_000, 50)
    whole = read(text(TFLITE), WANTED)[-1]
    # Of the benchmark's own line: 950 and 1300 against 1000.
    assert (whole.low_ns, whole.high_ns) == (950_000, 1_300_000)


def test_without_timings_the_band_is_the_assumed_one() -> None:
    conv = read(text(TFLITE_XNNPACK), WANTED)[0]
    assert (conv.latency_ns, conv.low_ns, conv.high_ns) == (400_000, 340_000, 460_000)


def test_litert_prints_preparation_and_dispatch_as_rows_too() -> None:
    rows = read(text(LITERT), WANTED)
    assert [row.kind for row in rows] == [
        "Convolution (NHWC, F32) IGEMM", "Convolution (NHWC, F32) DWConv",
        "Convolution (NHWC, F32) GEMM", "Add (ND, F32)", "Global Average Pooling (NWC, F32)",
        "Static Reshape (NC)", "Fully Connected (NC, PF32) GEMM", "",
    ]  # fmt: skip
    assert {row.threads for row in rows} == {1}  # of the command line
    # Timings of the table: 900, 1000, 1500 over 3055 runs.
    assert (rows[0].low_ns, rows[0].high_ns, rows[0].runs) == (360_000, 600_000, 3055)
    whole = rows[-1]
    # 1.02 ms is 1024 us in the line before, from 819.2 to 2048.
    assert (whole.name, whole.latency_ns, whole.low_ns, whole.high_ns, whole.runs) == (
        "net", 1_024_000, 819_200, 2_048_000, 2000,
    )  # fmt: skip


def test_the_python_tool_of_litert_times_the_whole() -> None:
    (row,) = read(text(LITERT_PYTHON), WANTED)
    assert (row.scope, row.name, row.threads, row.runs) == ("model", "det", 1, 50)
    assert (row.latency_ns, row.low_ns, row.high_ns) == (80_000_000, 76_000_000, 92_000_000)
    bare = "\n".join(line for line in LITERT_PYTHON.splitlines() if "(m" not in line)
    (row,) = read(text(bare, "phone.log"), WANTED)
    assert (row.low_ns, row.high_ns) == (68_000_000, 92_000_000)  # 15% either way
    (row,) = read(text("Inference (avg): 2.00 ms", "phone.log"), WANTED)
    assert row.name == "phone"


def test_names_of_xnnpack_kernels_hold_spaces_and_commas() -> None:
    rows = read(text(TFLITE_XNNPACK), WANTED)
    assert [row.kind for row in rows][:2] == [
        "Convolution (NHWC, F32) IGEMM", "Convolution (NHWC, F32) DWConv",
    ]  # fmt: skip
    assert {row.backend for row in rows} == {"xnnpack"}
    assert len(rows) == 6


def test_csv_is_read_from_the_right_as_kinds_hold_commas() -> None:
    rows = read(text(TFLITE_CSV), WANTED)
    assert [(row.kind, row.name, row.latency_ns) for row in rows] == [
        ("CONV_2D", "[ar]:0", 400_200),
        ("Convolution (NHWC, F32) DWConv", "[d]:1", 200_000),
    ]


@pytest.mark.parametrize("log", [TFLITE, TFLITE_XNNPACK, TFLITE_CSV, LITERT, LITERT_PYTHON])
def test_it_is_recognised(log: str) -> None:
    assert is_log(text(log))


def test_prefixes_of_androids_log_are_skipped() -> None:
    prefix = "05-30 13:04:39.021 25935 25935 I tflite  : "
    log = "\n".join(prefix + line for line in TFLITE_XNNPACK.splitlines() if line) + "\n"
    kinds = [row.kind for row in read(text(log), WANTED)]
    assert kinds[2] == "Convolution (NHWC, F32) GEMM"


def test_a_whole_delegate_is_a_time_of_the_network_only() -> None:
    log = CONV.sub(DELEGATE, TFLITE, count=1)
    for kernel in ("DEPTHWISE_CONV_2D", "CONV_2D", "ADD", "MEAN", "FULLY_CONNECTED"):
        log = re.sub(rf"\t +{kernel}\t +0\.[4-9].*\n", "", log)
    rows = read(text(log), WANTED)
    assert [(row.scope, row.name, row.backend) for row in rows] == [("model", "net", "gpu")]


def test_delegate_and_cpu_in_one_table_are_mixed_units() -> None:
    log = CONV.sub(DELEGATE, TFLITE, count=1)
    with pytest.raises(CostError, match="mixes units: 5 kernels on the CPU and 1 rows of TfLiteG"):
        read(text(log), WANTED)
    kept = read(text(log), Wanted(unit="cpu", dtype=None, threads=None, only="cpu"))
    assert next(row.kind for row in kept) == "DEPTHWISE_CONV_2D"
    assert {row.scope for row in kept} == {"op"}  # the whole network ran elsewhere, too


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("    0.400\t 40", "   -0.400\t 40", "avg ms -0.400 is negative"),
        ("    0.400\t 40", "      nan\t 40", "avg ms is nan"),
        ("    0.400\t 40", "4000000.0\t 40", "more than an hour for one inference"),
        ("0.000\t        1\t[d]:1", "", "is no row of the table: is it whole?"),
    ],
)
def test_mistakes_name_the_line_and_the_field(before: str, after: str, message: str) -> None:
    log = TFLITE.replace(before, after)
    with pytest.raises(CostError, match=f"log.txt:4[23].*{message}"):
        read(text(log), WANTED)


def test_threads_of_file_and_caller_must_agree() -> None:
    with pytest.raises(CostError, match="threads 2 in the file, but --threads 4"):
        read(text(TFLITE), Wanted(unit="cpu", dtype=None, threads=4))


def test_an_interrupted_run_says_what_is_missing() -> None:
    with pytest.raises(CostError, match="neither a table of kernels nor the time"):
        read(text(TFLITE.split("Inference timings")[0]), WANTED)
