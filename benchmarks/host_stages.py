"""What others wait while Python computes in a host stage: on a thread, and in a process.

    python benchmarks/host_stages.py [--rounds 5] [--seconds 4]
    python benchmarks/host_stages.py --crossing

One app's post computes in plain Python without a pause, closed loop. Meanwhile silero-vad is asked
every 5 ms; its hand-off is the request's latency minus its stage's time: from the call to the
stage's start on a unit, and from its end to the caller. There are two units and never more than two
requests, so that none waits for a unit that computes another stage, which would be no hand-off.
The settings take turns within each round: the post sleeps as long instead (what the machine and
that app's model do to the hand-off), it computes in a process, in a process with the usual time
slice, on a thread. Goal: p99 under 1 ms with the process.

`--crossing` tells from which size on arrays cross faster through shared memory than through the
socket: there and back, median of 31.
"""

import argparse
import asyncio
import os
import socket
import statistics
import time
from typing import Any

import numpy as np
from host_plans import whole
from request_overhead import spread

import hetsched as hs
from hetsched.runtime import HostCall
from hetsched.runtime.trial import fill_inputs
from hetsched.stages.channel import Channel
from hetsched.stages.manners import step_aside

PERIOD_S = 0.005
VAD, CLS = "zoo:silero-vad", "zoo:ppocr-cls"
SETTINGS = ("sleeping", "process", "usual slice", "thread")


def compute(_: Any) -> int:
    """50 ms or so of Python that never lets the GIL go by itself."""
    total = 0
    for number in range(1_000_000):
        total += number * number % 7
    return total


def sleep(_: Any) -> None:
    """As long as `compute`, or so."""
    time.sleep(0.05)


def compute_with_usual_slice(_: Any) -> int:
    """The same in a process that doesn't step aside for who wakes up."""
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))  # which forgets the slice
    try:
        return compute(_)
    finally:
        step_aside(0)


async def hand_offs(apps: dict[str, Any], busy: str, seconds: float) -> list[int]:
    """Nanoseconds of each hand-off while that app computes."""
    inputs = {name: fill_inputs(hs.load(name).graph, {}, 0)[0] for name in (VAD, CLS)}
    is_over = False

    async def load() -> None:
        while not is_over:
            await apps[busy](inputs[CLS])

    loaded = asyncio.create_task(load())
    await asyncio.sleep(0.2)
    waits, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        result = await apps["vad"].request(inputs[VAD])
        waits.append(result.latency_ns - sum(stage.duration_ns for stage in result.stages))
        await asyncio.sleep(PERIOD_S)
    is_over = True
    await loaded
    return waits


async def measure(rounds: int, seconds: float) -> dict[str, list[tuple[float, float]]]:
    """p50 and p99 of the hand-off in us, per setting and round."""
    found: dict[str, list[tuple[float, float]]] = {setting: [] for setting in SETTINGS}
    vad, cls = hs.load(VAD), hs.load(CLS)
    async with hs.Runtime(hs.host_units(), host_processes=1) as runtime:
        apps: dict[str, Any] = {"vad": await runtime.deploy(whole(vad), name="vad", model=vad)}
        posts = {
            "sleeping": HostCall(call=sleep, where="process"),
            "process": HostCall(call=compute, where="process"),
            "usual slice": HostCall(call=compute_with_usual_slice, where="process"),
            "thread": HostCall(call=compute, where="thread"),
        }
        for name, post in posts.items():
            apps[name] = await runtime.deploy(whole(cls), name=name, model=cls, post=post)
        for _ in range(rounds):
            for setting in SETTINGS:
                waits = await hand_offs(apps, setting, seconds)
                p50, p99 = np.percentile(waits, [50, 99]) / 1000
                found[setting].append((float(p50), float(p99)))
    return found


def crossing() -> None:
    """There and back through a channel, by size, as bytes in the socket and as shared memory."""
    print(f"{'array':>10} {'socket':>10} {'shared':>10}")
    for exponent in range(12, 25):
        array = np.zeros(1 << exponent, np.uint8)
        times = [_round_trip_us(array, limit) for limit in (1 << 40, 1)]
        print(f"{array.nbytes:>10} {times[0]:>7.0f} us {times[1]:>7.0f} us")


def _round_trip_us(array: np.ndarray, shared_from_bytes: int) -> float:
    near, far = (Channel(end, shared_from_bytes) for end in socket.socketpair())
    count = 31
    child = os.fork()  # nothing else runs in this program
    if child == 0:
        for _ in range(count):
            far.send(*far.receive())
        os._exit(0)
    times = []
    for _ in range(count):
        start_ns = time.perf_counter_ns()
        near.send(array)
        near.receive()
        times.append((time.perf_counter_ns() - start_ns) / 1000)
    os.waitpid(child, 0)
    near.close()
    far.close()
    return statistics.median(times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="per setting and round")
    parser.add_argument("--crossing", action="store_true")
    arguments = parser.parse_args()
    if arguments.crossing:
        crossing()
        return
    found = asyncio.run(measure(arguments.rounds, arguments.seconds))
    print("hand-off of silero-vad while another app's post computes in Python")
    for setting, rows in found.items():
        for name, values in zip(("p50", "p99"), zip(*rows, strict=True), strict=True):
            print(f"  {setting:12} {name} {spread(values)} us")


if __name__ == "__main__":
    main()
