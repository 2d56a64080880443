"""The example's application, periodic: on hetsched, and on plain ONNX Runtime sessions.

    python benchmarks/real_application.py [--rounds 3] [--seconds 10] [--load 1.0]

A page is read every second, a voice is listened for every 32 ms, a picture is classified every
200 ms; each has its period as its deadline, counted from its due time. Both sides run the same
host stages and must read the same text. The peer has a session per model with ONNX Runtime's
defaults, and runs each request, host stages included, by `asyncio.to_thread`. hetsched has
stages of at most 5 ms, the policy edf, and runs what is late, too. The sides take turns.
"""

import argparse
import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
from host_plans import whole

import hetsched as hs
from hetsched.stages import Letterbox, Normalise, Softmax, TopK

sys.path.insert(0, str(Path(__file__).parents[1] / "examples"))
from scene.page import LINES, draw
from scene.reader import DIRECTION, FIND, Reader, recognition
from scene.sound import speech, windows

PERIOD_S = {"page": 1.0, "voice": 0.032, "picture": 0.2}
CLASSIFY = {
    "pre": [Letterbox(height=224, width=224), Normalise()],
    "post": [Softmax(), TopK(k=1)],
}
Ask = Callable[[Any], Awaitable[Any]]
Times = dict[str, list[float]]


def plain(model: hs.Model, pre: Any = (), post: Any = ()) -> Ask:
    """A model in a session of its own; everything on a thread of asyncio's."""
    session = ort.InferenceSession(str(model.path), providers=["CPUExecutionProvider"])
    inputs, outputs = session.get_inputs(), [one.name for one in session.get_outputs()]

    def work(value: Any) -> Any:
        for stage in listed(pre):
            value = stage(value)
        feeds = {inputs[0].name: value} if isinstance(value, np.ndarray) else value
        value = dict(zip(outputs, session.run(None, feeds), strict=True))
        for stage in listed(post):
            value = stage(value)
        return value

    return lambda value: asyncio.to_thread(work, value)


def plain_voice(model: hs.Model) -> Ask:
    """The voice model with its state; requests come one after the other."""
    ask = plain(model)
    state = {"state": np.zeros((2, 1, 128), np.float32)}
    turn = asyncio.Lock()

    async def step(value: dict[str, np.ndarray]) -> Any:
        async with turn:
            made = await ask({**value, **state})
            state["state"] = made["stateN"]
            return made

    return step


def listed(stages: Any) -> Sequence[Any]:
    return stages if isinstance(stages, list | tuple) else [stages]


def with_sessions(models: dict[str, hs.Model]) -> dict[str, Ask]:
    """What answers pages, voices and pictures, on plain sessions."""
    read = Reader(
        find=plain(models["ppocr-det"], **FIND),
        direction=plain(models["ppocr-cls"], **DIRECTION),
        recognise=plain(models["ppocr-rec"], **recognition(models["ppocr-rec"])),
    )
    return {
        "page": read,
        "voice": plain_voice(models["silero-vad"]),
        "picture": plain(models["squeezenet"], **CLASSIFY),
    }


async def with_apps(runtime: hs.Runtime, models: dict[str, hs.Model]) -> dict[str, Ask]:
    """What answers them, on hetsched."""

    async def deploy(name: str, kind: str, **around: Any) -> Any:
        model = models[name]
        plan = whole(model, longest_ns=5_000_000)
        deadline = round(PERIOD_S[kind] * 1e9)
        return await runtime.deploy(
            plan, name=name, model=model, deadline=deadline, late="run", **around
        )

    read = Reader(
        find=await deploy("ppocr-det", "page", **FIND),
        direction=await deploy("ppocr-cls", "page", **DIRECTION),
        recognise=await deploy("ppocr-rec", "page", **recognition(models["ppocr-rec"])),
    )
    voice = await deploy("silero-vad", "voice", state={"stateN": "state"})
    return {
        "page": read,
        "voice": voice.new_stream(),
        "picture": await deploy("squeezenet", "picture", **CLASSIFY),
    }


async def run(answers: dict[str, Ask], seconds: float, load: float) -> Times:
    """Seconds from when a request was due to its answer, by kind."""
    page, sound = draw(), list(windows(speech(4.0)))
    found: Times = {kind: [] for kind in PERIOD_S}

    async def one(kind: str, number: int, due_s: float) -> None:
        value = sound[number % len(sound)] if kind == "voice" else page
        answer = await answers[kind](value)
        found[kind].append(time.monotonic() - due_s)
        if kind == "page" and tuple(answer) != LINES:
            raise AssertionError(f"the page was misread: {answer}")

    async def source(kind: str, group: asyncio.TaskGroup) -> None:
        begin_s, number = time.monotonic(), 0
        while (due_s := begin_s + number * PERIOD_S[kind] / load) < begin_s + seconds:
            await asyncio.sleep(max(0, due_s - time.monotonic()))
            group.create_task(one(kind, number, due_s))
            number += 1

    async with asyncio.TaskGroup() as group:
        for kind in PERIOD_S:
            group.create_task(source(kind, group))
    return found


async def compare(rounds: int, seconds: float, load: float) -> None:
    names = ("ppocr-det", "ppocr-cls", "ppocr-rec", "silero-vad", "squeezenet")
    models = {name: hs.load(f"zoo:{name}") for name in names}
    found: dict[str, list[Times]] = {"hetsched": [], "sessions": []}
    async with AsyncExitStack() as stack:
        runtime = await stack.enter_async_context(hs.Runtime(hs.host_units(), policy="edf"))
        sides = {"hetsched": await with_apps(runtime, models), "sessions": with_sessions(models)}
        for side in sides.values():
            await run(side, 2.0, load)  # warm-up
        for _ in range(rounds):
            for name, side in sides.items():
                found[name].append(await run(side, seconds, load))
    print(f"load {load}; p50 and p99 in ms, requests in time; median of {rounds} rounds")
    for kind in PERIOD_S:
        for name, times in found.items():
            print(f"  {kind:8} {name:9} {row([each[kind] for each in times], PERIOD_S[kind])}")


def row(rounds: Sequence[Sequence[float]], deadline_s: float) -> str:
    """One kind's figures on one side."""
    p50, p99 = (statistics.median(np.percentile(r, p) * 1e3 for r in rounds) for p in (50, 99))
    met = [sum(t <= deadline_s for t in r) / len(r) for r in rounds]
    each = f"{min(met):.1%} to {max(met):.1%}"
    return f"{p50:8.1f} {p99:8.1f}   {statistics.median(met):6.1%} ({each})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0, help="per side and round")
    parser.add_argument("--load", type=float, default=1.0, help="multiplies all rates")
    arguments = parser.parse_args()
    asyncio.run(compare(arguments.rounds, arguments.seconds, arguments.load))


if __name__ == "__main__":
    main()
