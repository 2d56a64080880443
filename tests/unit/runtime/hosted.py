"""A runtime with host stages, for tests of them."""

import asyncio
from typing import Any

import numpy as np

from hetsched.runtime import HostCall, Runtime, RuntimeUnit
from tests.unit.runtime.fakes import DIAMOND, FakeBackend
from tests.unit.runtime.plans import plan_of

PLAN = plan_of(DIAMOND, [("cpu", ["head", "left"]), ("gpu", ["right"]), ("cpu", ["tail"])])


X = np.array([1, -2, 3, -4], np.float32)


def units(backend: FakeBackend | None = None) -> list[RuntimeUnit]:
    backend = backend or FakeBackend()
    return [RuntimeUnit(name=name, backend=backend) for name in ("cpu", "gpu")]


def make_runtime(backend: FakeBackend | None = None) -> Runtime:
    return Runtime(units(backend), host_processes=1)


def threaded(*calls: Any) -> list[HostCall]:
    return [HostCall(call=call, where="thread") for call in calls]


async def until(happened: Any) -> None:
    """Give others their turn until something has happened."""
    while not happened():
        await asyncio.sleep(0.001)
