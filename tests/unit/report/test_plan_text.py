"""The plan's table, compared with the exact text."""

import io
from typing import Literal

import msgspec
from rich.console import Console

from hetsched.plan.model import CostBasis, Doubt
from hetsched.quantity import Origin
from hetsched.report.plan_text import print_plan
from tests.unit.plan.samples import sample_plan

EXPECTED = """\
tiny on soc: 3 ops in 2 subgraphs
id  unit  ops  from .. to       start       end  cost
s0  npu     2  conv .. relu      0 ns  2.000 ms  calibrated
s1  cpu     1  softmax       2.000 ms  3.000 ms  measured
latency      3.000 ms (error band 2.000 ms to 5.000 ms)
throughput   500.0 requests/s when pipelined
energy       unknown: no power figure for a unit in use
peak memory  npu 2.000 KiB, cpu 512.0 B
objective    latency 3.000 ms: optimal, gap 0.00%
bound        no placement is under 3.000 ms, searched for 0.2 s
baseline             latency  this plan is
CPU only            6.000 ms  2.00x better
best single unit    6.000 ms  2.00x better
first fit         infeasible
HEFT                3.000 ms  as good
"""


def test_the_table_fits_80_columns_and_says_everything() -> None:
    stream = io.StringIO()
    print_plan(sample_plan(), Console(file=stream, width=80), solve_s=0.2)
    lines = [line.rstrip() for line in stream.getvalue().splitlines()]
    assert lines == EXPECTED.splitlines()
    assert max(len(line) for line in lines) <= 80


TOLD = """\
tiny on soc: 3 ops in 2 subgraphs
id  unit  ops  from .. to       start       end  cost
s0  npu     2  conv .. relu      0 ns  2.000 ms  measured*
s1  cpu     1  softmax       2.000 ms  3.000 ms  measured
cost: where most of the time's number comes from; * a smaller part is calibrated
latency      3.000 ms (error band 2.000 ms to 5.000 ms)
error band   all costs at their low end, or all at their high end
             cpu -50% +100%, npu -50% +100%: guessed
             dsp -50% +100%: measured
throughput   500.0 requests/s when pipelined
"""
WARNED = """\
HEFT                3.000 ms  as good
warning: HEFT is close
warning: 2 of 2 subgraphs could be as good on another unit, for all that is
known: s1 is close (--json lists all)
"""


def doubt(kind: Literal["baseline", "subgraph"], subject: str, advantage: int, band: int) -> Doubt:
    return Doubt(
        kind=kind, subject=subject, unit=None, other=None, advantage=advantage, band=band,
        measure="ns", message=f"{'HEFT' if kind == 'baseline' else subject} is close",
    )  # fmt: skip


def test_what_costs_rest_on_and_what_they_leave_open_is_told() -> None:
    plan = sample_plan()
    first, second = plan.subgraphs
    told = msgspec.structs.replace(
        plan,
        subgraphs=(msgspec.structs.replace(first, main_origin=Origin.MEASURED), second),
        cost_basis=tuple(
            CostBasis(unit=unit, low=0.5, high=2.0, basis=basis)
            for unit, basis in (("cpu", "guessed"), ("npu", "guessed"), ("dsp", "measured"))
        ),
        # s1 could gain more: 30 - 10 = 20 against 20 - 15 = 5.
        warnings=(
            doubt("baseline", "heft", 0, 5),
            doubt("subgraph", "s0", 15, 20),
            doubt("subgraph", "s1", 10, 30),
        ),
    )
    stream = io.StringIO()
    print_plan(told, Console(file=stream, width=80))
    lines = [line.rstrip() for line in stream.getvalue().splitlines()]
    assert lines[: len(TOLD.splitlines())] == TOLD.splitlines()
    assert lines[-4:] == WARNED.splitlines()
    assert max(len(line) for line in lines) <= 80
