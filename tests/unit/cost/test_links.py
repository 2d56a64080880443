"""Links: the line through measured copies, and copies for real."""

import os
import sys
import threading
from types import SimpleNamespace

import numpy as np
import pytest

from hetsched.backends.opencl_links import Transfers, devices
from hetsched.cost.bands import Band
from hetsched.cost.links import SIZES, line, measure_copy, timed
from hetsched.errors import BackendError


def taken(**times: int) -> dict[int, Band]:
    """`b1000=7`: 1000 bytes take 7 ns."""
    return {
        int(size[1:]): Band(latency_ns=ns, low_ns=ns, high_ns=ns, runs=1)
        for size, ns in times.items()
    }


def test_a_line_gives_latency_and_bandwidth() -> None:
    # 500 ns + 0.25 ns per byte, that is 4 GB/s.
    latency_ns, bytes_per_s, error = line(taken(b0=500, b4000=1500, b400000=100_500))
    assert latency_ns == 500
    assert bytes_per_s == pytest.approx(4e9)
    assert error == pytest.approx(0.0, abs=1e-9)


def test_times_that_dont_grow_have_no_bandwidth() -> None:
    latency_ns, bytes_per_s, error = line(taken(b1000=1000, b10000=1010, b100000=990))
    assert (latency_ns, bytes_per_s) == (1000, None)
    assert error == pytest.approx(0.01, abs=1e-3)


def test_a_line_has_no_negative_latency() -> None:
    # Through 10 at 1000 and 1000 at 10000 bytes a line would start below zero.
    latency_ns, bytes_per_s, _ = line(taken(b1000=10, b10000=1000))
    assert latency_ns == 0
    assert bytes_per_s is not None


def test_actions_take_turns_and_warm_up_doesnt_count() -> None:
    calls: list[int] = []

    def action(size: int) -> int:
        calls.append(size)
        return len(calls)

    found = timed({1: lambda: action(1), 2: lambda: action(2)}, rounds=2)
    assert calls == [1, 2] * 5  # three rounds of warm-up
    # The counted calls are the 7th and 9th, the 8th and 10th.
    assert [(found[1].low_ns, found[1].runs), found[2].latency_ns] == [(7, 2), 9]


def test_copies_between_cores_are_timed_and_their_thread_ends() -> None:
    cpus, before = os.sched_getaffinity(0), threading.active_count()
    link = measure_copy(("a", cpus), ("b", cpus), sizes=(1024, 1 << 20), rounds=3)
    assert (link.source, link.target, link.how) == ("a", "b", "copy")
    assert {size: spread.runs for size, spread in link.times.items()} == {1024: 3, 1 << 20: 3}
    assert threading.active_count() == before
    assert os.sched_getaffinity(0) == cpus


class FakeError(Exception):
    """pyopencl's."""


def fake_opencl(refuses: bool = False) -> SimpleNamespace:
    """As much of pyopencl as transfers take, on the host's memory; the log has what was done."""
    log: list[str] = []

    def buffer(context: object, flags: int, size: int) -> np.ndarray:
        if refuses:
            raise FakeError("out of memory")
        return np.ones(size, np.uint8)

    def copy(queue: object, target: np.ndarray, source: np.ndarray, is_blocking: bool) -> None:
        assert is_blocking
        log.append("copy")
        target[:] = source

    def mapped(*_: object, is_blocking: bool) -> tuple[SimpleNamespace, None]:
        log.append("map")
        return SimpleNamespace(base=SimpleNamespace(release=lambda _: log.append("unmap"))), None

    device = SimpleNamespace(name=" dev ", host_unified_memory=1)
    platform = SimpleNamespace(name="plat", version="3.0 ", get_devices=lambda: [device])
    return SimpleNamespace(
        log=log,
        Error=FakeError,
        get_platforms=lambda: [platform],
        Context=lambda devices: devices,
        CommandQueue=lambda _: SimpleNamespace(finish=lambda: log.append("finish")),
        mem_flags=SimpleNamespace(READ_WRITE=1, ALLOC_HOST_PTR=2),
        map_flags=SimpleNamespace(READ=1, WRITE=2),
        Buffer=buffer,
        enqueue_copy=copy,
        enqueue_map_buffer=mapped,
    )


def test_transfers_to_an_opencl_device_are_copies_and_maps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cl = fake_opencl()
    monkeypatch.setitem(sys.modules, "pyopencl", cl)
    (device,) = devices()
    assert (device.name, device.platform, device.shares_memory) == ("dev", "plat 3.0", True)
    actions = Transfers(device, 64).actions()
    assert list(actions) == ["write", "read", "map-write", "map-read"]
    assert all(action() >= 0 for action in actions.values())
    assert cl.log == ["copy", "copy", *["map", "unmap", "finish"] * 2]


def test_a_device_that_refuses_is_an_error_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyopencl", fake_opencl(refuses=True))
    (device,) = devices()
    with pytest.raises(BackendError, match="OpenCL device 'dev': out of memory"):
        Transfers(device, 64)


def test_without_opencl_there_are_no_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyopencl", None)
    assert devices() == ()
    cl = fake_opencl()

    def none() -> list[object]:
        raise FakeError("no platform")

    cl.get_platforms = none
    monkeypatch.setitem(sys.modules, "pyopencl", cl)
    assert devices() == ()
    assert list(SIZES) == sorted(SIZES)
