"""A backend in a child process gives what it gives here, and leaves nothing behind."""

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from hetsched.backends.base import Executable, StageSpec
from hetsched.backends.faulty import Fault, FaultyBackend
from hetsched.backends.isolated.backend import IsolatedBackend
from hetsched.backends.isolated.executable import IsolatedExecutable
from hetsched.backends.isolated.wrap import isolated
from hetsched.backends.null import NullBackend
from hetsched.backends.ort import OrtBackend
from hetsched.backends.recipe import Recipe
from hetsched.errors import BackendError, RunError, UnitDownError
from hetsched.ir.model import Model
from hetsched.runtime import RuntimeUnit
from tests.unit.backends.tiny import conv_chain
from tests.unit.runtime.fakes import DIAMOND, FakeBackend, diamond

X = np.array([1, -2, 3, -4], np.float32)
WHOLE = StageSpec(id="s0", ops=("head", "left", "right", "tail"), outputs=("y", "b"))
NUMPY = Recipe(factory="tests.unit.runtime.fakes:FakeBackend")


def descriptors() -> set[str]:
    found = set()
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):  # the one that lists them is gone by now
            found.add(str(entry.readlink()))
    return found


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


@pytest.fixture(autouse=True)
def _nothing_stays() -> Iterator[None]:
    before = children()
    yield
    gc.collect()
    assert children() <= before, "a child process stayed"
    assert not [name for name in descriptors() if "hetsched-" in name], "shared memory stayed"


@pytest.fixture
def backend() -> Iterator[IsolatedBackend]:
    made = IsolatedBackend(NUMPY, name="isolated fake", unit="npu")
    yield made
    made.release()


def answers(stage: Executable, x: np.ndarray = X) -> dict[str, np.ndarray]:
    made = stage.run({"x": x})
    return {name: value.numpy() for name, value in zip(stage.outputs, made, strict=True)}


def right(stage: Executable, x: np.ndarray = X) -> None:
    got = answers(stage, x)
    for name, array in diamond(x).items():
        np.testing.assert_array_equal(got[name], array)


def test_answers_are_the_inner_backends(backend: IsolatedBackend) -> None:
    (stage,) = backend.compile(DIAMOND, [WHOLE])
    assert (stage.inputs, stage.outputs) == (("x",), ("y", "b"))
    for i in range(20):
        right(stage, X * i)
    assert backend.pid is not None
    assert backend.pid != os.getpid()


def test_answers_that_are_kept_stay_as_they_were(backend: IsolatedBackend) -> None:
    (stage,) = backend.compile(DIAMOND, [WHOLE])
    kept = [answers(stage, X * i) for i in range(50)]
    backend.release()
    for i, got in enumerate(kept):
        np.testing.assert_array_equal(got["y"], diamond(X * i)["y"])


def test_answers_take_no_more_memory_with_time(backend: IsolatedBackend) -> None:
    (stage,) = backend.compile(DIAMOND, [WHOLE])
    right(stage)
    assert backend._link is not None
    size = backend._link._made.size
    for _ in range(2000):  # 2 answers of 64 bytes: 4 times the arena
        right(stage)
    assert backend._link._made.size == size
    assert len(backend._link.freed) <= 4


def conv_stages(model: Model) -> list[StageSpec]:
    """Three stages of `conv_chain`, cut where ONNX Runtime has a layout of its own."""
    names = [op.name for op in model.graph.ops]
    parts = [names[:3], names[3:6], names[6:]]
    made = [model.graph.op[part[-1]].writes for part in parts]
    return [
        StageSpec(id=f"s{i}", ops=tuple(part), outputs=tuple(outputs))
        for i, (part, outputs) in enumerate(zip(parts, made, strict=True))
    ]


def chain(stages: Sequence[Executable], x: np.ndarray) -> np.ndarray:
    values = {"x": x}
    for stage in stages:
        values |= dict(zip(stage.outputs, stage.run(values), strict=True))  # type: ignore[arg-type]  # buffers
    found = values["y"]
    return found if isinstance(found, np.ndarray) else found.numpy()


def test_private_layouts_between_stages_of_onnx_runtime(tmp_path: Path) -> None:
    model = conv_chain(tmp_path)
    ort = OrtBackend(cache_dir=tmp_path / "cache")
    x = np.random.default_rng(0).standard_normal((1, 16, 8, 8)).astype(np.float32)
    want = chain(ort.compile(model, conv_stages(model)), x)
    backend = isolated(OrtBackend(cache_dir=tmp_path / "other"), unit="npu", cores=(0,))
    try:
        stages = backend.compile(model, conv_stages(model))  # the child asks for the ONNX graph
        for _ in range(3):
            np.testing.assert_array_equal(chain(stages, x), want)
        first = stages[0].run({"x": x})
        assert not set(stages[0].outputs) & set(model.graph.tensors), "it has a layout of its own"
        backend.revive()
        # What the old child made is still there, though that child isn't.
        values = dict(zip(stages[0].outputs, first, strict=True))
        for stage in stages[1:]:
            values |= dict(zip(stage.outputs, stage.run(values), strict=True))
        np.testing.assert_array_equal(values["y"].numpy(), want)
    finally:
        backend.release()


def test_a_refused_op_is_named_and_the_child_goes_on() -> None:
    backend = isolated(NullBackend(refused_op_types=["Abs"]), unit="npu", cores=None)
    try:
        with pytest.raises(BackendError, match="op 'right': the null backend was told to refuse"):
            backend.compile(DIAMOND, [WHOLE])
        head = StageSpec(id="s0", ops=("head",), outputs=("a",))
        (stage,) = backend.compile(DIAMOND, [head])
        assert answers(stage)["a"].tolist() == [0, 0, 0, 0]
    finally:
        backend.release()


def test_a_missing_input_and_an_error_that_isnt_the_backends(backend: IsolatedBackend) -> None:
    (stage,) = backend.compile(DIAMOND, [WHOLE])
    with pytest.raises(BackendError, match="stage 's0': no value for its input 'x'"):
        stage.run({})
    with pytest.raises(BackendError, match="stage 's0': TypeError: bad operand type"):
        stage.run({"x": np.array(["text"], dtype=object)})
    right(stage)


def test_values_too_large_for_the_memory_at_first(backend: IsolatedBackend) -> None:
    (stage,) = backend.compile(DIAMOND, [WHOLE])
    for size in (10, 10**6, 10, 3 * 10**6):
        x = np.arange(size, dtype=np.float32) - size // 2
        right(stage, x)


def test_stages_that_nobody_needs_leave_the_child(backend: IsolatedBackend) -> None:
    (stage,) = backend.compile(DIAMOND, [WHOLE])
    (other,) = backend.compile(DIAMOND, [WHOLE])
    del other
    gc.collect()
    assert list(backend._unloaded) == [2]
    right(stage)
    assert list(backend._unloaded) == []
    assert list(backend._programs) == [1]


KILLED, CRASHED = r"killed by signal 9 \(SIGKILL\)", r"killed by signal 11 \(SIGSEGV\)"


@pytest.mark.parametrize(
    ("kind", "phase", "says"),
    [
        ("kill", "loading", f"it was {KILLED}"),
        ("kill", "running", f"it was {KILLED}"),
        ("kill", "writing back", f"it was {KILLED}"),
        ("crash", "running", f"it was {CRASHED}"),
        ("exit", "loading", "it ended with exit code 3"),
    ],
)
def test_death_is_told_with_its_phase_and_revived(
    tmp_path: Path, kind: str, phase: str, says: str
) -> None:
    fault = {"kind": kind, "phase": phase, "mark": str(tmp_path / "mark")}
    backend = isolated(FaultyBackend(NUMPY, [fault]), unit="npu", cores=None)
    message = (
        rf"^unit 'npu' \(backend isolated faulty fake\) went down in phase {phase!r} of .*: {says}$"
    )
    stages: list[IsolatedExecutable] = []

    def compile_and_run() -> None:
        stages.extend(backend.compile(DIAMOND, [WHOLE]))
        answers(stages[0])

    with pytest.raises(UnitDownError, match=message) as caught:
        compile_and_run()
    assert caught.value.unit == "npu"
    assert backend.last_death is not None
    assert backend.last_death.phase == phase
    if stages:
        with pytest.raises(UnitDownError, match=r"unit 'npu' \(.*\) is down"):
            answers(stages[0])
        backend.revive()
    else:
        stages.extend(backend.compile(DIAMOND, [WHOLE]))  # which starts a new child
    right(stages[0])
    backend.release()


def test_a_hanging_stage_can_be_killed(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    hang = Fault(kind="hang", mark=str(mark))
    backend = isolated(FaultyBackend(NUMPY, [hang]), unit="npu", cores=None)
    (stage,) = backend.compile(DIAMOND, [WHOLE])

    def kill() -> None:
        while not mark.exists():
            time.sleep(0.001)
        backend.kill()

    watchdog = threading.Thread(target=kill)
    watchdog.start()
    with pytest.raises(UnitDownError, match="in phase 'running' of stage 's0': it was killed by"):
        answers(stage)
    watchdog.join()
    backend.kill()  # of nothing: no harm
    backend.revive()
    right(stage)
    backend.release()


def test_too_few_values_are_told(tmp_path: Path) -> None:
    short = Fault(kind="short", mark=str(tmp_path / "mark"))
    backend = isolated(FaultyBackend(NUMPY, [short]), unit="npu", cores=None)
    (stage,) = backend.compile(DIAMOND, [WHOLE])
    with pytest.raises(BackendError, match="it made 1 values instead of 2"):
        answers(stage)
    right(stage)
    backend.release()


def test_an_interrupted_request_leaves_its_answer_to_nobody(backend: IsolatedBackend) -> None:
    (stage,) = backend.compile(DIAMOND, [WHOLE])
    right(stage)
    link = backend._link
    assert link is not None
    receive = link._channel.receive

    def interrupted() -> None:
        link._channel.receive = receive  # type: ignore[method-assign]
        raise KeyboardInterrupt

    for _ in range(3):
        link._channel.receive = interrupted  # type: ignore[method-assign, assignment]
        with pytest.raises(KeyboardInterrupt):
            answers(stage, X + 1)
        right(stage)  # and not what was made of X + 1
    right(stage)
    assert len(link.freed) <= 4


def test_an_answer_to_nothing_is_refused(backend: IsolatedBackend) -> None:
    (stage,) = backend.compile(DIAMOND, [WHOLE])
    link = backend._link
    assert link is not None
    child = backend.pid
    link._number += 5
    link._channel.send(link._number + 3, b"", link.row())  # the child answers what it was asked
    with pytest.raises(UnitDownError, match="went down in phase"):
        answers(stage)
    assert child is not None
    assert not Path(f"/proc/{child}").exists()


def test_what_the_child_prints_stays_there(
    backend: IsolatedBackend, capfd: pytest.CaptureFixture[str]
) -> None:
    noisy = IsolatedBackend(
        Recipe(factory="tests.unit.backends.isolated.noisy:NoisyBackend"), name="noisy", unit="u"
    )
    (stage,) = noisy.compile(DIAMOND, [WHOLE])
    right(stage)
    assert noisy._link is not None
    assert noisy._link.process.said() == "on stdout\non stderr"
    noisy.release()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("recipe", "says"),
    [
        ("no.such.module:Name", "backend factory 'no.such.module:Name' can't be found"),
        ("hetsched.backends.null:NoName", "can't be found"),
        ("nonsense", "backend factory 'nonsense' can't be found"),
    ],
)
def test_a_backend_that_cant_be_made(recipe: str, says: str) -> None:
    backend = IsolatedBackend(Recipe(factory=recipe), name="none", unit="npu")
    with pytest.raises(BackendError, match=says):
        backend.compile(DIAMOND, [WHOLE])
    assert backend.pid is None


def test_units() -> None:
    unit = RuntimeUnit(name="npu", backend=NullBackend(), isolation="process")
    assert isinstance(unit.backend, IsolatedBackend)
    assert (unit.backend.name, unit.backend.unit) == ("isolated null", "npu")
    with pytest.raises(RunError, match="isolation 'thread' is neither 'process' nor None"):
        RuntimeUnit(name="npu", backend=NullBackend(), isolation="thread")
    with pytest.raises(RunError, match="unit 'npu': backend fake can't run in a process of its"):
        RuntimeUnit(name="npu", backend=FakeBackend(), isolation="process")


PARENT = """
import os, sys, numpy as np
from hetsched.backends.base import StageSpec
from hetsched.backends.faulty import Fault, FaultyBackend
from hetsched.backends.isolated.wrap import isolated
from hetsched.backends.recipe import Recipe
from tests.unit.runtime.fakes import DIAMOND
fake = Recipe(factory="tests.unit.runtime.fakes:FakeBackend")
backend = isolated(FaultyBackend(fake, [Fault(kind="hang")]), unit="npu", cores=None)
whole = StageSpec(id="s0", ops=("head", "left", "right", "tail"), outputs=("y", "b"))
(stage,) = backend.compile(DIAMOND, [whole])
print(backend.pid, flush=True)
if sys.argv[1] == "hangs":
    stage.run({"x": np.zeros(4, np.float32)})
elif sys.argv[1] == "idle":
    sys.stdin.read()
"""


@pytest.mark.parametrize("how", ["hangs", "idle", "exits"])
def test_the_child_dies_with_the_application(how: str) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PARENT, how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    if how != "exits":
        parent.send_signal(signal.SIGKILL)
    _, errors = parent.communicate()
    assert errors == ""
    for _ in range(10_000):
        if not Path(f"/proc/{child}").exists() or _is_zombie(child):
            return
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    pytest.fail("the child lives on without its application")


def _is_zombie(pid: int) -> bool:
    """Nobody's child here: whoever adopted it may be slow to notice that it has ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
