"""Periodic apps as they are written without a scheduler: one thread an app, on some engine.

A thread takes its newest frame; frames whose deadline has passed before they start are left out, as
a camera application would, so that a peer's backlog can't grow without bound.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import numpy as np
import onnxruntime as ort

from hetsched.backends.base import HostValue
from hetsched.ir.model import Model

Inputs: TypeAlias = Mapping[str, HostValue]
Run: TypeAlias = Callable[[], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Periodic:
    """An app of the workload: its deadline is its period.

    Attributes:
        name: of a zoo model.
        rate_hz: at multiplier 1.
    """

    name: str
    rate_hz: float


def arrivals(app: Periodic, multiplier: float, seconds: float, phase: float) -> list[float]:
    """Times in s at which its requests come, the first at a part of its period."""
    period = 1 / (app.rate_hz * multiplier)
    count = round(seconds / period)
    return [period * (number + phase) for number in range(max(1, count))]


def run_threads(
    apps: Sequence[Periodic], runs: Mapping[str, Run], times: Mapping[str, list[float]]
) -> dict[str, int]:
    """How many requests of each app had their answer in time."""
    met = dict.fromkeys((app.name for app in apps), 0)
    start = time.monotonic() + 0.05

    def work(app: Periodic) -> None:
        due = times[app.name]
        period = due[1] - due[0] if len(due) > 1 else 1 / app.rate_hz
        at = 0
        while at < len(due):
            now = time.monotonic() - start
            while at + 1 < len(due) and due[at + 1] <= now:
                at += 1  # a newer frame is there
            if due[at] + period <= now:
                at += 1
                continue
            if due[at] > now:
                time.sleep(due[at] - now)
            runs[app.name]()
            if time.monotonic() - start <= due[at] + period:
                met[app.name] += 1
            at += 1

    threads = [threading.Thread(target=work, args=(app,)) for app in apps]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return met


def default_sessions(models: Mapping[str, Model], inputs: Mapping[str, Inputs]) -> dict[str, Run]:
    """ONNX Runtime as it comes: as many spinning threads a session as there are cores."""
    return _sessions(models, inputs, ort.SessionOptions)


def quiet_sessions(models: Mapping[str, Model], inputs: Mapping[str, Inputs]) -> dict[str, Run]:
    """One-thread sessions, spinning off."""

    def options() -> ort.SessionOptions:
        found = ort.SessionOptions()
        found.intra_op_num_threads = 1
        found.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return found

    return _sessions(models, inputs, options)


def _sessions(
    models: Mapping[str, Model],
    inputs: Mapping[str, Inputs],
    options: Callable[[], ort.SessionOptions],
) -> dict[str, Run]:
    found: dict[str, Run] = {}
    for name, model in models.items():
        chosen = options()
        chosen.log_severity_level = 3
        session = ort.InferenceSession(str(model.path), chosen, providers=["CPUExecutionProvider"])
        found[name] = partial(session.run, None, dict(inputs[name]))
    return found


def openvino_requests(
    models: Mapping[str, Model], inputs: Mapping[str, Inputs], hint: str
) -> dict[str, Run]:
    """OpenVINO's own runtime with a performance hint, `LATENCY` or `THROUGHPUT`."""
    import openvino as ov

    core = ov.Core()
    found: dict[str, Run] = {}
    for name, model in models.items():
        graph = core.read_model(str(model.path))
        feeds = dict(inputs[name])
        graph.reshape({key: list(np.asarray(value).shape) for key, value in feeds.items()})
        compiled = core.compile_model(graph, "CPU", {"PERFORMANCE_HINT": hint})
        found[name] = partial(compiled.create_infer_request().infer, feeds)
    return found
