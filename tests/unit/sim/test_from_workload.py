"""What a workload file says of stage times, units and callers, in the simulator's words."""

from pathlib import Path

import numpy as np
import pytest

from hetsched.errors import WorkloadError
from hetsched.sim import Level, Replay, SimSoc, SimUnit, Variation, simulate
from hetsched.sim.from_workload import FEWEST, measured_factors, varied, with_courses
from hetsched.trace.files import save_trace
from hetsched.workload.files import load_workload, parse_workload, workload_sha256
from hetsched.workload.model import Workload
from tests.unit.sim.running import one_stage, plain_soc

MS = 1_000_000
SOC = SimSoc(
    name="soc",
    units=(
        SimUnit(name="cpu"),
        SimUnit(name="npu", levels=(Level(hz=1e9), Level(hz=0.5e9)), power_mw=1000),
    ),
)


def workload(app: str = "", rest: str = "") -> Workload:
    import tomllib

    text = f'name = "w"\n{rest}\n[[apps]]\nname = "a"\nmodel = "zoo:ppocr-det"\nrate = 1\n{app}\n'
    return parse_workload(tomllib.loads(text), "w.toml")


def recorded(path: Path, stages: int) -> Path:
    """A trace of an app 'a' whose stage takes 1, 2 and 3 ms in turn, one request each 5 ms."""
    app = one_stage(
        "a",
        2 * MS,
        Replay(times_ns=tuple(5 * MS * at for at in range(stages))),
        variation=Variation(kind="quantiles", factors=(0.5, 1.0, 1.5)),
    )
    result = simulate([app], plain_soc(), duration_ns=5 * MS * stages, trace=True)
    assert result.trace is not None
    save_trace(result.trace, path)
    return path


def test_units_run_at_a_clock_and_fail() -> None:
    units = '[units.npu]\nmhz = 500\noutages = [{ from = "1s", to = "2s" }, { from = "3s" }]'
    soc = with_courses(SOC, workload(rest=units))
    assert soc.units[0] == SOC.units[0]
    assert soc.units[1].level == 1
    assert soc.units[1].outages == ((10**9, 2 * 10**9), (3 * 10**9, None))


@pytest.mark.parametrize(
    ("rest", "said"),
    [
        ("[units.gpu]\nmhz = 1", "units.gpu: soc has no such unit: it has cpu, npu"),
        ("[units.npu]\nmhz = 750", "can't run at 750 MHz: its clocks are 1000, 500"),
        ("[units.cpu]\nmhz = 750", "can't run at 750 MHz: its clocks are none that are known"),
    ],
)
def test_units_and_clocks_that_are_not_there(rest: str, said: str) -> None:
    with pytest.raises(WorkloadError) as refused:
        with_courses(SOC, workload(rest=rest))
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("app", "rest", "said"),
    [
        ('timeout = "0ms"', "", "app 'a': timeout must be above 0, as '100ms'"),
        ("timeout = 5", "", "5 is not a duration: write it as text with a unit"),
        ('variation = { kind = "normal" }', "", "take lognormal, quantiles or trace"),
        ('variation = { kind = "lognormal", sigma = 0, source = "x" }', "", "sigma 0 must be"),
        ('variation = { kind = "lognormal", sigma = 1, source = "" }', "", "source is empty"),
        (
            'variation = { kind = "quantiles", factors = [2, 1], source = "x" }',
            "",
            "factors must be two or more that rise from 0",
        ),
        ("", '[units.npu]\noutages = [{ from = "2s", to = "1s" }]', "`to` must come after"),
        ("", '[units.npu]\noutages = [{ from = "2s" }, { from = "3s" }]', "must rise and not"),
        ("", "[units.npu]\nghz = 1", "unknown key 'ghz'"),
    ],
)
def test_what_is_wrong_is_named(app: str, rest: str, said: str) -> None:
    with pytest.raises(WorkloadError) as refused:
        workload(app, rest)
    assert said in str(refused.value)


def test_stated_variations() -> None:
    made = one_stage("a", 10, None)
    lognormal = workload('variation = { kind = "lognormal", sigma = 0.2, source = "x" }')
    assert varied(made, lognormal.apps[0]).variations == (Variation(kind="lognormal", sigma=0.2),)
    quantiles = workload('variation = { kind = "quantiles", factors = [1, 2], source = "x" }')
    assert varied(made, quantiles.apps[0]).variations == (
        Variation(kind="quantiles", factors=(1.0, 2.0)),
    )
    assert varied(made, workload().apps[0]) is made


def test_a_measured_variation_is_what_a_trace_shows(tmp_path: Path) -> None:
    """Factors from 0.5 to 1.5, evenly spread, were put in: they come out again."""
    factors = measured_factors(str(recorded(tmp_path / "run.trace", 2000)), "a")
    assert len(factors) == 101
    assert factors[50] == pytest.approx(1, abs=0.02)
    assert np.asarray(factors) == pytest.approx(np.linspace(0.5, 1.5, 101), abs=0.05)


def test_too_few_runs_are_no_distribution(tmp_path: Path) -> None:
    path = str(recorded(tmp_path / "run.trace", FEWEST - 1))
    with pytest.raises(
        WorkloadError, match=f"has {FEWEST - 1} runs of stages of app 'a': {FEWEST}"
    ):
        measured_factors(path, "a")
    with pytest.raises(WorkloadError, match="has no app 'b': it has a"):
        measured_factors(path, "b")
    with pytest.raises(WorkloadError, match=r"variation of app 'a': .*none.trace"):
        measured_factors(str(tmp_path / "none.trace"), "a")


def test_a_trace_lies_where_the_workload_does_and_counts_for_its_digest(tmp_path: Path) -> None:
    (tmp_path / "w.toml").write_text(
        'name = "w"\n[[apps]]\nname = "a"\nmodel = "zoo:ppocr-det"\nrate = 1\n'
        'variation = { kind = "trace", file = "run.trace" }\n'
    )
    (tmp_path / "run.trace").write_bytes(b"one")
    loaded = load_workload(tmp_path / "w.toml")
    before = workload_sha256(loaded)
    (tmp_path / "run.trace").write_bytes(b"two")
    assert workload_sha256(load_workload(tmp_path / "w.toml")) != before
