"""Useful work done by five closed-loop apps on two cores, against sessions that just loop.

    python benchmarks/closed_loop.py [MODEL ...] [--rounds 5] [--seconds 4]

The peer is no scheduler at all: one thread per core, pinned, runs one-thread sessions of the models
in turn, as fast as it can. hetsched's apps each await their answer, then ask again; one unit per
core. Apps get shares by the policy, so the mixes differ: what is compared is the work done per
second, each answer counted with the time that its model takes on one thread alone. Both sides run
in turns within each round. Goal: 0.97.
"""

import argparse
import asyncio
import os
import statistics
import threading
import time
from collections import Counter
from collections.abc import Mapping

import onnxruntime as ort
from host_plans import whole
from request_overhead import spread
from whole_model import session

import hetsched as hs
from hetsched.backends.base import HostValue
from hetsched.dispatch import Policy
from hetsched.ir.model import Model
from hetsched.runtime import App
from hetsched.runtime.trial import fill_inputs

MODELS = ("silero-vad", "ppocr-cls", "squeezenet", "ppocr-rec", "shufflenet")
Inputs = dict[str, HostValue]


def loop_sessions(
    sessions: Mapping[str, ort.InferenceSession], inputs: Mapping[str, Inputs], seconds: float
) -> Counter[str]:
    """A pinned thread per core; how many runs of each model ended."""
    cores = sorted(os.sched_getaffinity(0))[:2]
    counts = [Counter[str]() for _ in cores]
    end = time.monotonic() + seconds

    def work(at: int) -> None:
        os.sched_setaffinity(0, {cores[at]})
        while True:
            for name, each in sessions.items():
                each.run(None, inputs[name])
                if time.monotonic() > end:
                    return
                counts[at][name] += 1

    threads = [threading.Thread(target=work, args=(at,)) for at in range(len(cores))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return counts[0] + counts[1]


async def loop_apps(
    apps: Mapping[str, App], inputs: Mapping[str, Inputs], seconds: float
) -> Counter[str]:
    """Each app asks again when it has its answer; how many answers came in time."""
    counts = Counter[str]()
    end = time.monotonic() + seconds

    async def ask(name: str) -> None:
        while True:
            await apps[name](inputs[name])
            if time.monotonic() > end:
                return
            counts[name] += 1

    async with asyncio.TaskGroup() as group:
        for name in apps:
            group.create_task(ask(name))
    return counts


def alone_s(each: ort.InferenceSession, inputs: Inputs) -> float:
    times = []
    for _ in range(15):
        begin = time.perf_counter()
        each.run(None, inputs)
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


async def compare(names: list[str], rounds: int, seconds: float, policy: Policy) -> None:
    models: dict[str, Model] = {name: hs.load(f"zoo:{name}") for name in names}
    inputs = {name: fill_inputs(model.graph, {}, 0)[0] for name, model in models.items()}
    sessions = {name: session(model) for name, model in models.items()}
    worth = {name: alone_s(sessions[name], inputs[name]) for name in names}

    def work(counts: Counter[str]) -> float:
        return sum(worth[name] * count for name, count in counts.items()) / seconds

    async with hs.Runtime(hs.host_units()[:2], policy=policy) as runtime:
        apps = {}
        for name, model in models.items():
            apps[name] = await runtime.deploy(whole(model), name=name, model=model)
        await loop_apps(apps, inputs, 0.5)
        ratios, rows = [], []
        for _ in range(rounds):
            peer = await asyncio.to_thread(loop_sessions, sessions, inputs, seconds)
            ours = await loop_apps(apps, inputs, seconds)
            ratios.append(work(ours) / work(peer))
            rows.append((peer, ours))
    print(f"{len(names)} apps, policy {policy}, {rounds} rounds of {seconds:g} s each way")
    for title, at in (("looping sessions", 0), ("hetsched", 1)):
        done = statistics.median(work(row[at]) for row in rows)
        mix = ", ".join(f"{name} {statistics.median(r[at][name] for r in rows)}" for name in names)
        print(f"  {title:<16} {done:.3f} s of work a second: {mix}")
    print(f"  hetsched / looping sessions: {spread(ratios)} (goal 0.97)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("models", nargs="*", default=list(MODELS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--policy", default="fifo")
    arguments = parser.parse_args()
    asyncio.run(compare(arguments.models, arguments.rounds, arguments.seconds, arguments.policy))


if __name__ == "__main__":
    main()
