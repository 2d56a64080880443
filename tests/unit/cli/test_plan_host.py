"""`hetsched plan --profile host --threads 1,2`: the better count is kept, and both are told."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hetsched.cli import main, plan_host
from tests.unit.cli.models import write_model


@dataclass(frozen=True)
class FakeOutcome:
    plan: Any
    notes: tuple[str, ...] = field(default=("first",))


def outcome(value_ns: int) -> FakeOutcome:
    return FakeOutcome(SimpleNamespace(objective=SimpleNamespace(value=value_ns, unit="ns")))


def test_the_better_thread_count_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    found = {1: outcome(5_000_000), 2: outcome(3_000_000)}
    monkeypatch.setattr(plan_host, "_plan", lambda *args: found[args[-1]])
    nothing: Any = None
    best: Any = plan_host.plan_here(nothing, nothing, None, [1, 2])
    told = "tried 5.000 ms with 1 thread a unit, 3.000 ms with 2 threads a unit: the best is kept"
    assert best == replace(found[2], notes=("first", told))
    alone: Any = plan_host.plan_here(nothing, nothing, None, [1])
    assert alone is found[1]


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--profile", "host", "--threads", "two"], 1, "--threads two: give counts from 1 on"),
        (["--profile", "host", "--threads", "999"], 1, "999 threads: "),
        (["--profile", "helio-g90", "--threads", "2"], 2, "only --profile host has a choice"),
    ],
)
def test_wrong_counts_are_one_clear_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, message: str
) -> None:
    model = write_model(tmp_path / "tiny.onnx", "Relu")
    store = str(tmp_path / "costs.sqlite")
    with pytest.raises(SystemExit) as stop:
        main(["plan", str(model), "--store", store, *words])
    assert stop.value.code == code
    assert message in capsys.readouterr().err
