"""From a workload file to a simulation: every word of the file arrives."""

from pathlib import Path

import pytest

import hetsched
from hetsched.errors import SimError, WorkloadError
from hetsched.sim import Closed, Periodic, Poisson, Replay
from hetsched.sim.outcome import Outcome, max_load, simulate, worst_app
from hetsched.sim.scenario import Scenario, prepare, run, scaled
from hetsched.workload.files import load_workload
from hetsched.workload.model import Workload

LAYERS = """model,layer,type,N,K,C,Y,X,R,S,stride_y,stride_x
m,a,CONV,1,32,3,64,64,3,3,,
m,b,CONV,1,32,32,64,64,3,3,,
"""
TEXT = """
name = "w"
duration = "2s"
load = [{ at = "1s", scale = 2 }]
order = ["first", "second"]
[score]
k_per_ms = 15
energy_max_mj = 1500
source = "a test"
[[apps]]
name = "first"
chain = { file = "layers.csv", model = "m" }
arrivals = { kind = "periodic", rate = 10, phase = "5ms", jitter = "1ms" }
deadline = "50ms"
priority = 3
weight = 2.5
capacity = 4
full = "drop-oldest"
pre = [{ name = "resize", time = "1ms", origin = "assumed", source = "a test" }]
post = [{ name = "boxes", time = "2ms", origin = "assumed", source = "a test" }]
load = [{ at = "0s", scale = 0.5 }, { at = "1500ms", scale = 1 }]
[[apps]]
name = "second"
chain = { file = "layers.csv", model = "m" }
after = { app = "first", probability = 0.5, count = 2 }
[[apps]]
name = "third"
chain = { file = "layers.csv", model = "m" }
arrivals = { kind = "trace", file = "times.txt" }
active = [{ from = "0s", to = "1s" }]
"""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def workload(tmp_path: Path) -> Workload:
    return write(tmp_path, TEXT)


def write(folder: Path, text: str) -> Workload:
    (folder / "layers.csv").write_text(LAYERS)
    (folder / "times.txt").write_text("0.1\n0.3\n1.7\n")
    (folder / "w.toml").write_text(text)
    return load_workload(folder / "w.toml")


@pytest.fixture
def scenario(workload: Workload) -> Scenario:
    return prepare(workload, hetsched.profile("helio-g90"))


def test_every_word_arrives(scenario: Scenario) -> None:
    first, second, third = scenario.ready.apps
    assert first.arrivals == Periodic(rate=10, phase_ns=5_000_000, jitter_ns=1_000_000)
    terms = first.terms
    assert (terms.deadline_ns, terms.priority, terms.weight) == (50_000_000, 3, 2.5)
    assert (terms.capacity, terms.full) == (4, "drop-oldest")
    # The workload's load and the app's, multiplied: 0.5 at once, x 2 from 1 s, x 1 x 2 from 1.5 s.
    assert first.load == ((0, 0.5), (1_000_000_000, 1.0), (1_500_000_000, 2.0))
    (trigger,) = second.triggers
    assert (trigger.after, trigger.probability, trigger.count) == ("first", 0.5, 2)
    assert third.arrivals == Replay(times_ns=(100_000_000, 300_000_000, 1_700_000_000))
    assert third.active == ((0, 1_000_000_000),)


def test_host_stages_run_before_and_after_on_a_worker_of_their_own(scenario: Scenario) -> None:
    first = scenario.ready.apps[0]
    host = len(scenario.profile.units)
    assert scenario.ready.soc.units[host].name == "host"
    assert first.stage_names[0] == "resize"
    assert first.stage_names[-1] == "boxes"
    assert first.nodes[0].units == ((host, 1_000_000),)
    assert first.nodes[1].after == (0,)  # the model's first stage waits for it
    assert first.nodes[-1].units == ((host, 2_000_000),)
    assert len(first.nodes) - 2 in first.nodes[-1].after
    assert len(first.works) == len(first.nodes) == len(first.stage_names)


def test_a_request_takes_its_plan_and_its_host_stages(workload: Workload) -> None:
    profile = hetsched.profile("helio-g90")
    made = prepare(workload, profile)
    result = run(made.ready, duration_ns=150_000_000, seed=0)
    plan = made.planned[0].plan
    (part,) = plan.subgraphs
    wake_ns = next(u.wake_ns for u in made.ready.soc.units if u.name == part.unit) or 0
    # Alone on an idle SoC: 1 ms before, waking the unit, the plan's latency, 2 ms after.
    expected_ns = 1_000_000 + wake_ns + plan.latency_ns + 2_000_000
    assert result.apps[0].max_ns == pytest.approx(expected_ns, abs=5)


def test_scale_multiplies_open_arrivals_only(scenario: Scenario) -> None:
    first, second, third = scenario.ready.apps
    assert scaled(first, 3.0).load[0] == (0, 1.5)
    assert scaled(third, 3.0).load == ((0, 3.0), (1_000_000_000, 6.0))
    assert scaled(second, 3.0) == second  # triggered: scales with its origin
    from dataclasses import replace

    closed = replace(first, arrivals=Closed())
    assert scaled(closed, 3.0) == closed
    assert scaled(replace(first, arrivals=Poisson(rate=1)), 1.0).load == first.load


def test_the_same_seed_gives_the_same_but_for_the_time_it_took(workload: Workload) -> None:
    profile = hetsched.profile("helio-g90")

    def once(seed: int) -> dict[str, object]:
        body = simulate(workload, profile, seed=seed, snapshots=5).to_dict()
        assert body.pop("wall_s") >= 0
        return body

    assert once(1) == once(1)
    assert once(1) != once(2)


def test_figures_add_up(workload: Workload) -> None:
    outcome = simulate(workload, hetsched.profile("helio-g90"), duration="1s", policy="static")
    assert isinstance(outcome, Outcome)
    body = outcome.to_dict()
    for app in body["apps"]:
        counts = ("completed", "missed", "dropped", "cancelled", "failed", "in_flight")
        assert app["requests"] == sum(app[name] for name in counts)
    assert outcome.without_energy is not None
    assert 0 <= outcome.without_energy <= 100
    # `third` has no deadline and isn't scored; `host` has no power, so `first` has no energy.
    assert outcome.xrbench_score is None
    assert body["xrbench"]["source"] == "a test"
    assert [plan["gap"] is not None for plan in body["plans"]] == [True, True, True]


def test_the_largest_load(scenario: Scenario) -> None:
    found = max_load(scenario, duration_ns=1_000_000_000, seeds=1, tolerance=0.2)
    assert found.above is not None
    assert found.scale < found.above <= found.scale * 1.2
    at = [run(scenario.ready, duration_ns=1_000_000_000, seed=0, scale=found.scale, drain=True)]
    assert worst_app(at) == found.miss_rate
    assert worst_app(at) <= 0.01
    over = [run(scenario.ready, duration_ns=1_000_000_000, seed=0, scale=found.above, drain=True)]
    assert worst_app(over) > 0.01


def test_a_load_without_deadlines_or_rates_has_no_largest(tmp_path: Path) -> None:
    profile = hetsched.profile("helio-g90")
    free = write(tmp_path, TEXT.replace('deadline = "50ms"', ""))
    with pytest.raises(WorkloadError, match="no app has a deadline"):
        max_load(prepare(free, profile))
    only = 'name = "w"\n[[apps]]\nname = "a"\nchain = { file = "layers.csv" }\ndeadline = "1s"\n'
    closed = write(tmp_path, only + 'arrivals = { kind = "closed" }\n')
    with pytest.raises(WorkloadError, match="closed loops have no rate"):
        max_load(prepare(closed, profile))


def test_memory_that_is_not_there(scenario: Scenario) -> None:
    from dataclasses import replace

    small = replace(scenario.ready.soc, memory_bytes=1000)
    with pytest.raises(SimError, match=r"it has 1000\.0 B; the largest is app"):
        run(replace(scenario.ready, soc=small))


def test_an_impossible_deadline_is_told_and_run_only_when_asked(tmp_path: Path) -> None:
    profile = hetsched.profile("helio-g90")
    text = TEXT.replace('deadline = "50ms"', 'deadline = "3010us"')
    with pytest.raises(WorkloadError, match=r"app 'first': deadline 3.010 ms is .* too short"):
        prepare(write(tmp_path, text), profile)
    asked = write(tmp_path, f'impossible = "run"\n{text}')
    assert "no plan on helio-g90 takes less than" in prepare(asked, profile).notes[0]


def test_wrong_policies_are_told_before_plans_are_made(tmp_path: Path) -> None:
    workload = write(tmp_path, TEXT.replace('order = ["first", "second"]', ""))
    profile = hetsched.profile("helio-g90")
    with pytest.raises(WorkloadError, match="policy 'edff' is unknown: take one of fifo"):
        simulate(workload, profile, policy="edff")
    with pytest.raises(WorkloadError, match="policy static needs `order` in workload w"):
        simulate(workload, profile, policy="static")
    assert not (tmp_path / "cache").exists()


def test_a_policy_of_ones_own_chooses(workload: Workload) -> None:
    profile = hetsched.profile("helio-g90")
    ours = simulate(workload, profile, policy=lambda _unit, _now, _ready: 0)  # the oldest
    fifo = simulate(workload, profile, policy="fifo")
    assert ours.result.policy == "custom"
    assert ours.result.apps == fifo.result.apps
