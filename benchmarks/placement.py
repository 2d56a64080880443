"""How good placements are: every zoo model on one SoC for every objective, against the baselines.

    python benchmarks/placement.py [--profile helio-g90] [--models resnet50,vgg19] [--limit 10]

Per model and objective: value, bound, gap, time, and each baseline's value over the placement's. A
gap above 1% is marked with `!`, a baseline that has no valid placement with `-`.
"""

import argparse
import sys
from collections.abc import Sequence

from hetsched.convert.capability import refusals
from hetsched.cost.analytic import cost_table
from hetsched.errors import PlacementError
from hetsched.ir.load import load
from hetsched.place.placement import Placement
from hetsched.place.problem import OBJECTIVES, Problem
from hetsched.place.solve import place
from hetsched.plan.problem import build_problem
from hetsched.quantity import format_ns, format_uj
from hetsched.soc.catalog import profile
from hetsched.zoo.catalog import names


def main(arguments: Sequence[str] | None = None) -> None:
    options = _parser().parse_args(arguments)
    soc = profile(options.profile)
    print(f"{'model':14}{'objective':12}{'value':>12}{'bound':>12}{'gap':>8}{'time':>8}  baselines")
    for name in options.models.split(",") if options.models else names():
        model = load(f"zoo:{name}")
        costs = cost_table(model.graph, soc, refusals(model.graph, soc))
        problem = build_problem(model.graph, soc, costs)
        for objective in options.objectives.split(","):
            _one(name, problem, objective, options.limit)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--profile", default="helio-g90", help="SoC")
    parser.add_argument("--models", default="", help="zoo models, all by default: resnet50,vgg19")
    parser.add_argument("--objectives", default=",".join(OBJECTIVES), help="latency,energy")
    parser.add_argument("--limit", type=float, default=10.0, help="seconds per placement")
    return parser


def _one(name: str, problem: Problem, objective: str, limit_s: float) -> None:
    try:
        found = place(problem, objective=objective, time_limit_s=limit_s)
    except PlacementError as error:
        print(f"{name:14}{objective:12}{error}")
        return
    _print(name, found)
    sys.stdout.flush()


def _print(name: str, found: Placement) -> None:
    show = format_uj if found.objective == "energy" else format_ns
    ratios = " ".join(
        f"{key} {'-' if other is None else f'{other / found.value:.2f}x'}"
        for key, other in found.baselines.items()
    )
    mark = "!" if found.gap > 0.01 else " "
    print(
        f"{name:14}{found.objective:12}{show(found.value):>12}{show(found.bound):>12}"
        f"{found.gap:>7.2%}{mark}{found.solve_s:>6.1f} s  {ratios}  ({found.method})"
    )


if __name__ == "__main__":
    main()
