"""How close to optimal every zoo model is placed, and in what time.

    python benchmarks/placement.py [--profile helio-g90] [--objective latency] [--time-limit 10]
                                   [--repeat] [MODEL ...]

Values are in ms, for energy in mJ. `--repeat` places twice and says whether both answers are the
same. `--synthetic N` places a random graph of N groups on four units instead. Gaps and seconds mean
little on a busy machine: the load average is printed with each line.
"""

import argparse
import os
import time

from hetsched.convert.capability import refusals
from hetsched.cost.analytic import cost_table
from hetsched.ir.load import load
from hetsched.place.placement import Placement
from hetsched.place.problem import ENERGY, LATENCY, OBJECTIVES, Problem
from hetsched.place.solve import place
from hetsched.plan.problem import build_problem
from hetsched.soc.catalog import profile
from hetsched.testing import random_problem
from hetsched.zoo.catalog import names

_HEADER = (
    "model           groups      value      bound     gap  solve_s  stages  load  status    method"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=list(names()))
    parser.add_argument("--profile", default="helio-g90")
    parser.add_argument("--objective", choices=OBJECTIVES, default=LATENCY)
    parser.add_argument("--time-limit", type=float, default=10.0)
    parser.add_argument("--repeat", action="store_true")
    parser.add_argument("--synthetic", type=int, default=0)
    given = parser.parse_args()
    print(_HEADER)
    if given.synthetic:
        problem = random_problem(0, given.synthetic, 4, branching=0.1)
        report(f"synthetic-{given.synthetic}", problem, given)
        return
    soc = profile(given.profile)
    for name in given.models:
        graph = load(f"zoo:{name}").graph
        problem = build_problem(graph, soc, cost_table(graph, soc, refusals(graph, soc)))
        report(name, problem, given)


def report(name: str, problem: Problem, given: argparse.Namespace) -> None:
    def answer() -> Placement:
        return place(problem, objective=given.objective, time_limit_s=given.time_limit)

    began = time.monotonic()
    found = answer()
    spent = time.monotonic() - began
    again = ""
    if given.repeat:
        again = "  same again" if _content(answer()) == _content(found) else "  DIFFERENT"
    scale = 1e3 if given.objective == ENERGY else 1e6
    print(
        f"{name:15} {len(problem.groups):6} "
        f"{found.value / scale:10.3f} {found.bound / scale:10.3f} "
        f"{found.gap:7.2%} {spent:8.2f} {len(found.schedule.stages):7} {os.getloadavg()[0]:5.1f}  "
        f"{found.status:9} {found.method}{again}",
        flush=True,
    )


def _content(placement: Placement) -> object:
    return placement.schedule, placement.bound, placement.method


if __name__ == "__main__":
    main()
