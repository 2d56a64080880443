"""The profiler's part of each kernel's time."""

from dataclasses import replace
from pathlib import Path

import pytest

from hetsched.cost.importing.keep import convert
from hetsched.cost.importing.overhead import without_overhead
from hetsched.cost.importing.record import ImportedCost
from hetsched.cost.importing.table import read as read_table
from hetsched.cost.importing.target import Target
from hetsched.cost.importing.tflite import read as read_tflite
from hetsched.cost.stored import whole_mark
from hetsched.errors import CostError
from hetsched.ir.load import load
from hetsched.soc.catalog import profile

from .samples import TFLITE, WANTED, text, write_net


def kernels(*times_us: int) -> list[ImportedCost]:
    base = read_tflite(text(TFLITE), WANTED)[0]
    return [
        replace(base, latency_ns=us * 1000, low_ns=us * 900, high_ns=us * 1200) for us in times_us
    ]


def test_each_kernel_gives_the_same_and_the_sum_is_the_plain_runs() -> None:
    # 100 us profiled, 80 us plain: 5 us for each of 4 kernels.
    found = without_overhead(kernels(10, 20, 30, 40), 80_000)
    assert [row.latency_ns for row in found] == [5_000, 15_000, 25_000, 35_000]
    # Bands keep their relative width: 90% and 120%.
    assert [(row.low_ns, row.high_ns) for row in found][:2] == [(4_500, 6_000), (13_500, 18_000)]


def test_no_more_is_taken_off_than_the_smallest_kernels_have() -> None:
    # 40 us off 4 kernels would be 10 each; the 5th percentile of 2, 20, 30, 48 is
    # 2 + 0.15 * 18 = 4.7 us. Left are 0, 15.3, 25.3, 43.3 = 83.9 us, scaled to 60.
    found = without_overhead(kernels(2, 20, 30, 48), 60_000)
    assert [row.latency_ns for row in found] == [0, 10_942, 18_093, 30_965]
    assert sum(row.latency_ns for row in found) == 60_000


@pytest.mark.parametrize("plain_ns", [0, -5, 10_000, 900_000])
def test_another_run_is_refused(plain_ns: int) -> None:
    with pytest.raises(CostError, match=r"kernels of 0.1 ms together can't be those of a run"):
        without_overhead(kernels(10, 20, 30, 40), plain_ns)


def test_kernels_and_dispatch_make_up_the_plain_run(tmp_path: Path) -> None:
    model, soc = load(write_net(tmp_path / "net.onnx")), profile("helio-g90")
    target = Target(
        profile=soc, unit=soc.unit("gpu"), model=model, source="f", date="2026-11-22",
        whole_ns=1_100_000,
    )  # fmt: skip
    found = convert(read_tflite(text(TFLITE), WANTED), target)
    assert found.total_ns == 1_100_000 - soc.unit("gpu").dispatch_ns
    entries = {entry.signature: entry for batch, _ in found.batches for entry in batch}
    assert entries[whole_mark(model)].latency_ns == 1_100_000
    (network,) = found.networks
    assert (network.name, network.input_shape) == (model.ref, "1x3x32x32")
    for rows, changed in (
        (read_tflite(text(TFLITE), WANTED), {"whole_table": False}),
        (read_table(text("op,time_ms\nconv,2\n"), WANTED), {}),
        (read_tflite(text(TFLITE), WANTED), {"model": None}),
    ):
        with pytest.raises(CostError, match="--whole is the plain time of a model whose every"):
            convert(rows, replace(target, **changed))
