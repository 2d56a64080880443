"""The text of docs/xrbench.md: tables of scores and of largest loads, from results."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from hetsched.sim.maxload import MaxLoad
from hetsched.sim.sweep_points import Row

SHORT = {
    "weighted-fair": "fair",
    "shortest-expected-latency": "shortest",
    "least-slack": "slack",
}
KINDS = ("joint", "band", "whole")


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """One cell of the second table: (plans, policy) and the largest load that it sustains."""

    scenario: str
    profile: str
    plans: str
    policy: str
    found: MaxLoad


def score(row: Row) -> float:
    """Of latency and drops; energy isn't known on every SoC."""
    return row.score_without_energy or 0.0


def best(found: Iterable[Row]) -> Row | None:
    """The row with the best score of latency and drops."""
    return max(found, key=score, default=None)


def section(
    name: str,
    found: Sequence[Row],
    loads: Sequence[Load],
    refused: Mapping[str, str],
    policies: Sequence[str],
) -> list[str]:
    """One scenario's tables."""
    heads = [SHORT.get(policy, policy) for policy in policies]
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
        cells = [f"{score(ours[policy]):.1f}" if policy in ours else "-" for policy in policies]
        for plans in KINDS:
            row = best(each for each in here if each.plans == plans)
            cells.append("-" if row is None else f"{score(row):.1f}")
        lines.append(f"| {soc} | {'-' if gap is None else f'{gap:.1%}'} | {' | '.join(cells)} |")
    lines += ["", *(f"- missing: {where}: {why}" for where, why in refused.items())]
    return [*lines, *load_table(loads), ""]


def load_table(loads: Sequence[Load]) -> list[str]:
    """Largest loads of one scenario, a line a SoC where any is sustained."""
    if not loads:
        return []
    columns = list(dict.fromkeys((each.plans, each.policy) for each in loads))
    cells = {(each.profile, each.plans, each.policy): each.found for each in loads}
    socs = list(dict.fromkeys(each.profile for each in loads))
    some = [soc for soc in socs if any(cells[soc, *at].scale for at in columns)]
    none = [soc for soc in socs if soc not in some]
    lines = []
    if some:
        heads = [
            f"{SHORT.get(policy, policy)}{'' if plans == 'latency' else f', {plans}'}"
            for plans, policy in columns
        ]
        lines += ["", "Largest load:", "", f"| SoC | {' | '.join(heads)} |"]
        lines.append(f"|---|{'---:|' * len(heads)}")
        for soc in some:
            row = " | ".join(_load(cells[soc, *at]) for at in columns)
            lines.append(f"| {soc} | {row} |")
    if none:
        lines += ["", f"Largest load: none, however small, on {', '.join(none)}."]
    return lines


def _load(found: MaxLoad) -> str:
    """The multiplier that holds and the one that doesn't."""
    if not found.scale:
        return "0"
    return f"{found.scale:.3g}" + ("+" if found.above is None else f" to {found.above:.3g}")


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
        both = [(each["ours"], each[kind]) for each in pairs.values() if {"ours", kind} <= {*each}]
        mean = _mean(each.get(kind, 0.0) for each in pairs.values())
        lines.append(f"| {title} | {mean} | {_compared(both)} |")
    return [*lines, "", *_same_policy(found), ""]


def _same_policy(found: Sequence[tuple[str, Row]]) -> list[str]:
    cells = {(name, row.profile, row.plans, row.policy): score(row) for name, row in found}
    both = [
        (value, cells[name, soc, "whole", policy])
        for (name, soc, plans, policy), value in cells.items()
        if plans == "joint" and (name, soc, "whole", policy) in cells
    ]
    if not both:
        return []
    return [
        "Joint plans against whole models under the same policy, better / equal / worse: "
        f"{_compared(both)}."
    ]


def _compared(pairs: Sequence[tuple[float, float]]) -> str:
    """Scores that differ by less than 0.05 print alike: they count as equal."""
    better = sum(ours > other + 0.05 for ours, other in pairs)
    worse = sum(ours < other - 0.05 for ours, other in pairs)
    return f"{better} / {len(pairs) - better - worse} / {worse} of {len(pairs)}"


def _mean(numbers: Iterable[float]) -> str:
    known = list(numbers)
    return f"{sum(known) / len(known):.1f}"


HEAD = """\
# XRBench on every SoC

Seven scenarios of XRBench, {socs} SoCs, {policies} policies of the dispatcher: simulated, nothing
was measured. Made by `scripts/xrbench_table.py` with hetsched {version}, commit {commit}, on
{date}: all plans and simulations are that commit's. All numbers are in [xrbench.csv](xrbench.csv)
and [xrbench-loads.csv](xrbench-loads.csv).

- Cells are XRBench's score of latency and drops, 0 to 100:
  100 x mean over apps of (sum of RT / frames) x (1 - drop rate), k = 15 per ms.
  The energy term is left out here, since power isn't known on every SoC; the CSV has the score with
  it where it is known.
- Models are chains of the listed convolutions with seeded weights, see
  examples/workloads/xrbench/README.md: the scores say how SoCs, policies and plans compare, not
  what XRBench's own models reach.
- Costs are those of the profiles, calibrated or assumed; profiles/README.md says how far they are
  off. {heat}
- gap: the largest of the scenario's plans' gaps to the proven bound, for latency, after {limit:g} s
  of search at most. The columns named after policies are these plans, whose subgraphs may go to
  other units that can run them.
- joint: of each app's candidates (for latency, for throughput, whole on each unit) those that went
  together best in a simulation of these very 10 s under the same policy, from three starts, one of
  them `whole`'s mapping. So it is never worse than `whole` under its policy; how it does in
  other 10 s isn't said.
- Band: its subgraphs (neighbouring ops that the same units support), each on whichever unit is
  expected to end it first, under its policies shortest expected latency, HEFT and least slack; and
  under its round robin, where each free unit takes the oldest subgraph that it can run.
- whole: each model whole on one unit, under all policies. Of all mappings of models to units the
  one with the fewest late models on idle units, then the least busy busiest unit, then the shortest
  latencies.
- The summary takes the best of all policies in the columns, of which Band has four. Most cells are
  equal: a model that is too slow alone scores 0 whatever is done, one that is fast enough scores 1.
- 10 s of requests, seed 0. What can't meet its deadline any more is dropped at once.
- Largest load: the multiplier of all rates at which no app misses more than 1%, over three seeds,
  as *holds to doesn't*; `hetsched simulate --find-max-load` on each plan and policy, deadlines stay
  what they are. Joint plans are chosen anew where the load is too much for those chosen before.
  0: an app misses even at 1/1024 of the load. All apps send their first request at 0 s, and later
  ones meet again and again: what is late only then is late at any load.

"""
