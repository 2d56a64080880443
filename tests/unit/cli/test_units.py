"""`hetsched units`: cores and engines, each with its version or what is missing."""

import json
import subprocess
import sys
from typing import Any

import pytest

from hetsched.backends.base import Probe
from hetsched.cli import main
from hetsched.runtime import probing
from hetsched.runtime.machine import Machine, machine
from hetsched.runtime.probing import Engine, Tried
from hetsched.runtime.verify import Verified


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit code, standard output, standard error of `hetsched units ...`."""
    with pytest.raises(SystemExit) as stop:
        main(["units", *words])
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


def test_it_fits_80_columns_and_names_each_engine(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys)
    assert code == 0
    lines = out.splitlines()
    assert max(len(line) for line in lines) <= 80
    at = lines.index("engine    version     computes in     on")
    assert [line.split()[0] for line in lines[at + 1 : at + 5]] == [
        "ort",
        "openvino",
        "qnn",
        "opencl",
    ]


def test_a_busy_machine_is_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # 3 of 4 cores wanted is over a half; 2 isn't.
    for load, told in ((3.0, "load 3.00 on 4 cores: busy, measure later"), (2.0, "on 4 cores")):
        state = Machine(cores=4, memory_bytes=2**32, available_bytes=2**30, load=load)
        monkeypatch.setattr("hetsched.runtime.machine.machine", lambda state=state: state)
        lines = run(capsys)[1].splitlines()
        (line,) = (line for line in lines if line.startswith("memory "))
        assert line.startswith("memory 4.000 GiB, 1.000 GiB free; load ")
        assert line.endswith(told)


def test_the_machines_state_is_plausible() -> None:
    now = machine()
    assert 0 < now.available_bytes <= now.memory_bytes
    assert now.cores >= 1
    assert now.load >= 0


def test_each_engine_computes_rightly() -> None:
    """In a process of its own: whatever engines print, standard output is one JSON object."""
    command = [sys.executable, "-m", "hetsched", "units", "--probe", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = {one["name"]: one for one in json.loads(done.stdout)["engines"]}
    for name in ("ort", "openvino", "qnn"):
        tried = found[name]["tried"]
        assert tried["verified"]["passed"]
        assert (tried["latency_ns"] is None) == found[name]["probe"]["emulated"]
    assert found["qnn"]["probe"]["emulated"]
    assert found["qnn"]["tried"]["verified"]["bound"] == 1e-2


def test_wrong_numbers_and_failures_are_told(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    off = Verified(
        max_abs_error=1.0, max_rel_error=0.5, bound=1e-4, passed=False, dtype="float32", output="y"
    )
    here = Probe(name="a", here=True, version="1.0", dtypes=("float32",), devices=("CPU",))
    gone = Probe(name="b", here=False, why_not="b isn't installed: get it")
    engines = (
        Engine(name="a", about="an engine", probe=here, tried=Tried(model="m", verified=off)),
        Engine(name="b", about="another", probe=gone),
    )
    monkeypatch.setattr(probing, "engines", lambda **_: engines)
    code, out, err = run(capsys, "--probe")
    assert code == 1
    assert out.endswith(
        "a         1.0         float32         CPU\n"
        "  m: WRONG, off by 0.5, bound 0.0001\n"
        "b         -\n"
        "b isn't here: b isn't installed: get it\n"
    )
    assert "error: engine 'a': m: WRONG, off by 0.5, bound 0.0001" in err
