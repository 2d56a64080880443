"""XRBench's seven scenarios on every SoC under every policy: docs/xrbench.md and its CSV.

    python scripts/xrbench_table.py [--jobs 2] [--done-only]

What is done is kept in build/xrbench.sqlite: a run that was stopped goes on from there. With
`--done-only` the page is written from what is there, and says what is missing.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from hetsched.dispatch import POLICIES
from hetsched.sim.sweep import rows, tasks, what_is_left
from hetsched.sim.sweep_points import Point, Row, points, rows_csv
from hetsched.sim.sweep_pool import run_local
from hetsched.sim.sweep_store import SweepStore
from hetsched.soc.catalog import names, profile
from hetsched.soc.profile import Profile
from hetsched.workload.files import load_workload
from hetsched.workload.planning import Effort

ROOT = Path(__file__).parent.parent
SCENARIOS = ROOT / "examples" / "workloads" / "xrbench"
PAGE = ROOT / "docs" / "xrbench.md"
OURS = (*POLICIES, "static")
BAND = ("shortest-expected-latency", "heft", "least-slack")
"""Policies that Band has, as far as this dispatcher has them: its round robin is left out."""

SHORT = {
    "weighted-fair": "fair",
    "shortest-expected-latency": "shortest",
    "least-slack": "slack",
}
EFFORT = Effort(time_limit_s=3.0)


def asked(socs: Sequence[str]) -> list[Point]:
    """Our plans under all policies, Band's subgraphs under Band's, whole models under all."""
    found: list[Point] = []
    for soc in socs:
        found += points([soc], ["latency"], OURS, [1.0], [0])
        found += points([soc], ["joint"], OURS, [1.0], [0])
        found += points([soc], ["band"], BAND, [1.0], [0])
        found += points([soc], ["whole"], OURS, [1.0], [0])
    return found


def simulate_all(
    workload_file: Path, socs: Sequence[Profile], store: SweepStore, jobs: int
) -> tuple[list[Row], dict[str, str]]:
    """Rows of one scenario, and what couldn't be simulated with the reason; 0 jobs do nothing."""
    workload = load_workload(workload_file)
    duration_ns = int(workload.duration_ns)
    left = what_is_left(workload, socs, asked([soc.name for soc in socs]), duration_ns, store)
    refused: dict[str, str] = {}
    if jobs == 0:
        for _, point in left.todo:
            refused[f"{point.profile}, {point.plans} plans"] = "not simulated yet"
        return rows(left, store), refused
    todo = tasks(
        workload,
        socs,
        left.todo,
        duration_ns,
        effort=EFFORT,
        refused=lambda point, why: refused.__setitem__(
            f"{point.profile}, {point.plans} plans", why
        ),
    )
    for count, (key, result) in enumerate(run_local(todo, jobs), 1):
        store.add(key, result)
        print(f"\r{workload.name}: {count} of {len(left.todo)}", end="", file=sys.stderr)
    print(file=sys.stderr)
    return rows(left, store), refused


def best(found: Iterable[Row]) -> Row | None:
    """The row with the best score of latency and drops."""
    return max(found, key=score, default=None)


def score(row: Row) -> float:
    """Of latency and drops; energy isn't known on every SoC."""
    return row.score_without_energy or 0.0


def section(name: str, found: Sequence[Row], refused: dict[str, str]) -> list[str]:
    """One scenario's table."""
    heads = [SHORT.get(policy, policy) for policy in OURS]
    lines = [
        f"## {name}",
        "",
        f"| SoC | gap | {' | '.join(heads)} | best joint | best Band | best whole |",
        f"|---|{'---:|' * (len(heads) + 4)}",
    ]
    for soc in dict.fromkeys(row.profile for row in found):
        here = [row for row in found if row.profile == soc]
        ours = {row.policy: row for row in here if row.plans == "latency"}
        gap = next((row.gap for row in ours.values() if row.gap is not None), None)
        cells = [f"{score(ours[policy]):.1f}" if policy in ours else "-" for policy in OURS]
        for plans in ("joint", "band", "whole"):
            row = best(each for each in here if each.plans == plans)
            cells.append("-" if row is None else f"{score(row):.1f}")
        lines.append(f"| {soc} | {'-' if gap is None else f'{gap:.1%}'} | {' | '.join(cells)} |")
    lines += ["", *(f"- missing: {where}: {why}" for where, why in refused.items())]
    return [*lines, ""]


def summary(found: Sequence[tuple[str, Row]]) -> list[str]:
    """Plans against the others, over all scenarios and SoCs."""
    pairs: dict[tuple[str, str], dict[str, float]] = {}
    for name, row in found:
        kinds = pairs.setdefault((name, row.profile), {})
        kind = "ours" if row.plans in ("latency", "joint") else row.plans
        kinds[kind] = max(kinds.get(kind, 0.0), score(row))
    lines = ["| best of its policies | mean score | cells where ours is better / equal / worse |"]
    lines.append("|---|---:|---|")
    lines.append(
        f"| hetsched's plans | {_mean(each.get('ours', 0.0) for each in pairs.values())} | |"
    )
    for kind, title in (("band", "Band's subgraphs"), ("whole", "whole models, best mapping")):
        both = [each for each in pairs.values() if kind in each and "ours" in each]
        better = sum(each["ours"] > each[kind] + 0.05 for each in both)
        worse = sum(each["ours"] < each[kind] - 0.05 for each in both)
        mean = _mean(each.get(kind, 0.0) for each in pairs.values())
        equal = len(both) - better - worse
        lines.append(f"| {title} | {mean} | {better} / {equal} / {worse} of {len(both)} |")
    return [*lines, ""]


def _mean(numbers: Iterable[float]) -> str:
    known = list(numbers)
    return f"{sum(known) / len(known):.1f}"


HEAD = """\
# XRBench on every SoC

Seven scenarios of XRBench, {socs} SoCs, {policies} policies of the dispatcher: simulated, nothing
was measured. Made by `scripts/xrbench_table.py`; all numbers are in [xrbench.csv](xrbench.csv).

- Cells are XRBench's score of latency and drops, 0 to 100:
  {score}.
  The energy term is left out here, since power isn't known on every SoC; the CSV has the score with
  it where it is known.
- Models are chains of the listed convolutions with seeded weights, see
  examples/workloads/xrbench/README.md: the scores say how SoCs, policies and plans compare, not
  what XRBench's own models reach.
- Costs are those of the profiles, calibrated or assumed; profiles/README.md says how far they are
  off.
- gap: the largest of the scenario's plans' gaps to the proven bound, for latency. The columns named
  after policies are these plans, whose subgraphs may go to other units that can run them.
- joint: of each app's candidates (for latency, for throughput, whole on each unit) those that go
  together best, chosen as for `whole`; under all policies.
- Band: its subgraphs (neighbouring ops that the same units support), each on whichever unit is
  expected to end it first, under its policies shortest expected latency, HEFT and least slack; its
  round robin isn't here.
- whole: each model whole on one unit, under all policies. Of all mappings of models to units the
  one with the fewest late models on idle units, then the least busy busiest unit, then the shortest
  latencies.
- The summary takes the best of all policies in the columns, of which Band has three. Most cells are
  equal: a model that is too slow alone scores 0 whatever is done, one that is fast enough scores 1.
  Where whole models win, several apps share units that each of them is fast enough on alone.
- 10 s of requests, seed 0. What can't meet its deadline any more is dropped at once.

"""


def main() -> None:
    """Simulate what is left, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--done-only", action="store_true")
    options = parser.parse_args()
    (ROOT / "build").mkdir(exist_ok=True)
    store = SweepStore(ROOT / "build" / "xrbench.sqlite")
    socs = [profile(name) for name in names()]
    everything: list[tuple[str, Row]] = []
    sections: list[str] = []
    for file in sorted(SCENARIOS.glob("*.toml")):
        found, refused = simulate_all(file, socs, store, 0 if options.done_only else options.jobs)
        everything += [(file.stem, row) for row in found]
        sections += section(file.stem, found, refused)
    head = HEAD.format(
        socs=len(socs),
        policies=len(OURS),
        score="100 x mean over apps of (sum of RT / frames) x (1 - drop rate), k = 15 per ms",
    )
    PAGE.write_text(head + "\n".join([*summary(everything), *sections]), encoding="utf-8")
    lines = rows_csv([row for _, row in everything]).splitlines()
    named = [f"scenario,{lines[0]}"]
    named += [f"{name},{line}" for (name, _), line in zip(everything, lines[1:], strict=True)]
    PAGE.with_suffix(".csv").write_text("\n".join(named) + "\n", encoding="utf-8")
    print(f"{PAGE.relative_to(ROOT)}: {len(everything)} simulations", file=sys.stderr)


if __name__ == "__main__":
    main()
