"""The plan's table, compared with the exact text."""

import io

from rich.console import Console

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
