"""XRBench's seven scenarios on every SoC under every policy: docs/xrbench.md and its CSV.

    python scripts/xrbench_table.py [--jobs 2] [--done-only] [--commit NAME]

What is done is kept in build/: a run that was stopped goes on from there. A version of hetsched has
files of its own there, so results of two never mix. With `--done-only` the page is written from
what is there, and says what is missing.
"""

import argparse
import hashlib
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
from xrbench_page import HEAD, Load, section, summary

import hetsched
from hetsched.dispatch import POLICIES
from hetsched.sim.blind import ROUND_ROBIN
from hetsched.sim.from_plan import from_profile
from hetsched.sim.maxload import MaxLoad
from hetsched.sim.outcome import max_load_together
from hetsched.sim.scenario import Scenario, prepare
from hetsched.sim.sweep import profile_digest, rows, tasks, what_is_left
from hetsched.sim.sweep_points import Point, Row, points, rows_csv
from hetsched.sim.sweep_pool import run_local
from hetsched.sim.sweep_store import SweepStore
from hetsched.soc.catalog import names, profile
from hetsched.soc.profile import Profile
from hetsched.workload.files import load_workload, workload_sha256
from hetsched.workload.model import Workload
from hetsched.workload.planning import Effort

ROOT = Path(__file__).parent.parent
SCENARIOS = ROOT / "examples" / "workloads" / "xrbench"
PAGE = ROOT / "docs" / "xrbench.md"
OURS = (*POLICIES, "static")
BAND = ("shortest-expected-latency", "heft", "least-slack", ROUND_ROBIN)
"""Band's policies, as this dispatcher has them."""

LOADS = (
    ("latency", "fifo"),
    ("latency", "edf"),
    ("latency", "heft"),
    ("joint", "edf"),
    ("band", "shortest-expected-latency"),
    ("band", ROUND_ROBIN),
    ("whole", "edf"),
)
"""(plans, policy) whose largest load is looked for."""

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
    workload: Workload, socs: Sequence[Profile], store: SweepStore, jobs: int
) -> tuple[list[Row], dict[str, str]]:
    """Rows of one scenario, and what couldn't be simulated with the reason; 0 jobs do nothing."""
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


def largest_loads(
    scenario: str, workload: Workload, socs: Sequence[Profile], store: SweepStore, jobs: int
) -> list[Load]:
    """Of one scenario; what isn't there yet is left out where there are no jobs."""
    found = []
    for soc in socs:
        done = store.done()
        keys = {at: _load_key(workload, soc, *at) for at in LOADS}
        ready: dict[str, Scenario] = {}
        for (plans, policy), key in keys.items():
            if key not in done and jobs:
                if plans not in ready:
                    ready[plans] = prepare(workload, soc, choice=plans, effort=EFFORT)
                most = max_load_together(ready[plans], policy=policy, seed=workload.seed)
                done[key] = msgspec.json.encode(most).decode()
                store.add(key, done[key])
            if key in done:
                most = msgspec.json.decode(done[key], type=MaxLoad)
                found.append(
                    Load(
                        scenario=scenario, profile=soc.name, plans=plans, policy=policy, found=most
                    )
                )
        print(f"\r{workload.name}: largest load, {soc.name:20}", end="", file=sys.stderr)
    print(file=sys.stderr)
    whole = {load.profile for load in found if (load.plans, load.policy) == LOADS[-1]}
    return [load for load in found if load.profile in whole]


def _load_key(workload: Workload, soc: Profile, plans: str, policy: str) -> str:
    what = ["largest load", workload_sha256(workload), profile_digest(soc), plans, policy]
    return hashlib.sha256(" ".join(what).encode()).hexdigest()


def code_digest() -> str:
    """Of hetsched's Python files: other code may come to other results."""
    package = Path(hetsched.__file__).parent
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        if path.relative_to(package).parts[0] not in ("cli", "report", "runtime", "service"):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def commit() -> str:
    """The checkout's commit."""
    found = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() or "unknown"


def main() -> None:
    """Simulate what is left, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--done-only", action="store_true")
    parser.add_argument("--commit", default=None, help="default: the checkout's")
    options = parser.parse_args()
    (ROOT / "build").mkdir(exist_ok=True)
    digest = code_digest()
    store = SweepStore(ROOT / "build" / f"xrbench-{digest}.sqlite")
    loads_store = SweepStore(ROOT / "build" / f"xrbench-loads-{digest}.sqlite")
    socs = [profile(name) for name in names()]
    jobs = 0 if options.done_only else options.jobs
    everything: list[tuple[str, Row]] = []
    loads: list[Load] = []
    sections: list[str] = []
    for file in sorted(SCENARIOS.glob("*.toml")):
        workload = load_workload(file)
        found, refused = simulate_all(workload, socs, store, jobs)
        here = largest_loads(file.stem, workload, socs, loads_store, jobs)
        everything += [(file.stem, row) for row in found]
        loads += here
        sections += section(file.stem, found, here, refused, OURS)
    head = HEAD.format(
        socs=len(socs),
        policies=len(OURS),
        version=hetsched.__version__,
        commit=options.commit or commit(),
        date=time.strftime("%Y-%m-%d"),
        limit=EFFORT.time_limit_s,
        heat=heat(socs),
    )
    PAGE.write_text(head + "\n".join([*summary(everything), *sections]), encoding="utf-8")
    write_csv(everything, loads)
    print(f"{PAGE.relative_to(ROOT)}: {len(everything)} simulations", file=sys.stderr)


def heat(socs: Sequence[Profile]) -> str:
    """Whether units get hot in these simulations."""
    hot = [soc.name for soc in socs if from_profile(soc).thermal is not None]
    if not hot:
        return "No heat: these profiles have none, so nothing is throttled."
    return f"Heat counts on {', '.join(hot)}: units start cold and are throttled there."


def write_csv(everything: Sequence[tuple[str, Row]], loads: Sequence[Load]) -> None:
    """All numbers: of the scores, and of the largest loads."""
    lines = rows_csv([row for _, row in everything]).splitlines()
    named = [f"scenario,{lines[0]}"]
    named += [f"{name},{line}" for (name, _), line in zip(everything, lines[1:], strict=True)]
    PAGE.with_suffix(".csv").write_text("\n".join(named) + "\n", encoding="utf-8")
    rates = ["scenario,profile,plans,policy,holds,miss_rate,too_much"]
    rates += [
        f"{each.scenario},{each.profile},{each.plans},{each.policy},{each.found.scale},"
        f"{'' if each.found.miss_rate is None else each.found.miss_rate},"
        f"{'' if each.found.above is None else each.found.above}"
        for each in loads
    ]
    path = PAGE.with_name("xrbench-loads.csv")
    path.write_text("\n".join(rates) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
