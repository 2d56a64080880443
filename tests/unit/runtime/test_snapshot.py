"""Snapshots, and how other processes of the same user get them."""

import asyncio
import socket
import stat
from pathlib import Path

import numpy as np
import pytest

from hetsched.errors import RunError
from hetsched.runtime.publish import Publisher, folder, is_wanted, published, read_snapshot
from hetsched.runtime.runtime import Runtime
from hetsched.runtime.snapshot import AppSnapshot, Snapshot, UnitSnapshot
from hetsched.runtime.units import RuntimeUnit
from hetsched.trace.histogram import Distribution, distribution
from tests.unit.runtime.fakes import DIAMOND, FakeBackend, Gate
from tests.unit.runtime.plans import plan_of

X = {"x": np.array([1, -2, 3, -4], np.float32)}
PLAN = plan_of(DIAMOND, [("a", ["head", "left"]), ("b", ["right"]), ("a", ["tail"])])


def two_units(backend: FakeBackend) -> tuple[RuntimeUnit, ...]:
    return tuple(RuntimeUnit(name=name, backend=backend) for name in "ab")


def snapshot(time_ns: int, busy_ns: int) -> Snapshot:
    unit = UnitSnapshot(
        name="a", backend="fake", status="up", running="", busy_ns=busy_ns, stages=0, failures=0,
        queued=0,
    )  # fmt: skip
    return Snapshot(time_ns=time_ns, started_ns=1000, policy="fifo", apps=(), units=(unit,))


def test_utilization_is_since_the_start_or_an_older_snapshot() -> None:
    older, now = snapshot(2000, 250), snapshot(3000, 1000)
    assert older.utilization() == {"a": 0.25}
    assert now.utilization() == {"a": 0.5}
    assert now.utilization(older) == {"a": 0.75}
    assert snapshot(1000, 5).utilization() == {"a": 1.0}  # no time has gone by


def test_miss_rate_is_of_those_that_ended_and_were_not_cancelled() -> None:
    app = AppSnapshot(
        name="x", requests=11, completed=5, missed=1, dropped=2, cancelled=1, failed=1,
        in_flight=1, waiting=0, latency=Distribution(),
    )  # fmt: skip
    assert app.miss_rate == 4 / 9


@pytest.mark.asyncio
async def test_a_snapshot_says_what_was_and_what_is() -> None:
    gate = Gate("s1")
    backend = FakeBackend()
    async with Runtime(two_units(backend)) as runtime:
        app = await runtime.deploy(PLAN, name="ocr", model=DIAMOND)
        for _ in range(3):
            await app(X)
        backend.before = gate
        running = [asyncio.ensure_future(app(X)) for _ in range(2)]
        await asyncio.to_thread(gate.reached.wait)
        while runtime.snapshot().units[0].stages < 8:  # s0 of both on unit a
            await asyncio.sleep(0.001)
        during = runtime.snapshot()
        gate.open()
        await asyncio.gather(*running)
        after = runtime.snapshot()
    a, b = during.units
    assert (a.running, b.running) == ("", "ocr s1")
    assert (a.stages, b.stages, b.queued) == (2 * 3 + 2, 3, 1)
    assert during.apps[0].in_flight == 2
    assert during.apps[0].waiting == 0
    assert during.apps[0].latency.count == 3
    assert [unit.stages for unit in after.units] == [10, 5]
    assert [unit.running for unit in after.units] == ["", ""]
    assert after.apps[0].completed == after.apps[0].latency.count == 5
    assert all(
        new.busy_ns >= old.busy_ns for new, old in zip(after.units, during.units, strict=True)
    )


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    return tmp_path / "hetsched"


@pytest.mark.asyncio
async def test_a_runtime_publishes_when_asked(own_folder: Path) -> None:
    async with Runtime(two_units(FakeBackend()), publish=True) as runtime:
        app = await runtime.deploy(PLAN, name="ocr", model=DIAMOND)
        await app(X)
        [path] = await asyncio.to_thread(published)
        seen = await asyncio.to_thread(read_snapshot, path)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(own_folder.stat().st_mode) == 0o700
        assert seen.apps == runtime.snapshot().apps
        assert [unit.stages for unit in seen.units] == [2, 1]
    assert list(own_folder.iterdir()) == []
    with pytest.raises(RunError, match="no runtime answers at"):
        read_snapshot(path)


@pytest.mark.asyncio
async def test_a_reader_that_does_not_read_holds_up_nobody(
    own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hetsched.runtime.publish.TIMEOUT_S", 0.05)
    huge = Snapshot(
        time_ns=1, started_ns=0, policy="x" * 10_000_000, apps=(), units=()
    )  # more than a socket takes at once
    publisher = Publisher(lambda: huge)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.connect(str(publisher.path))
        await asyncio.to_thread(publisher.close)
    assert list(own_folder.iterdir()) == []


def test_publishing_is_off_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HETSCHED_TOP", raising=False)
    assert not is_wanted(None)
    monkeypatch.setenv("HETSCHED_TOP", "1")
    assert is_wanted(None)
    assert not is_wanted(False)
    monkeypatch.setenv("HETSCHED_TOP", "0")
    assert not is_wanted(None)


def test_a_folder_open_to_others_is_refused(own_folder: Path) -> None:
    own_folder.mkdir(mode=0o755)
    with pytest.raises(RunError, match="open to, other users"):
        Publisher(lambda: snapshot(1, 1))


def test_a_socket_that_nobody_answers_is_not_listed(own_folder: Path) -> None:
    own_folder.mkdir()
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(own_folder / "1-0.sock"))
    dead.close()
    assert published() == []


def test_without_a_folder_of_the_user_sockets_are_among_temporary_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    assert folder().parent == tmp_path
    assert folder().name.startswith("hetsched-")


def test_distributions_travel(own_folder: Path) -> None:
    app = AppSnapshot(
        name="x", requests=2, completed=2, missed=0, dropped=0, cancelled=0, failed=0,
        in_flight=0, waiting=0, latency=distribution([5, 10**9]),
    )  # fmt: skip
    publisher = Publisher(
        lambda: Snapshot(time_ns=1, started_ns=0, policy="edf", apps=(app,), units=())
    )
    assert read_snapshot(publisher.path).apps == (app,)
    publisher.close()
