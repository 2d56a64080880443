"""How a process that computes for long shares cores with threads that have little to do, but soon.

A thread that wakes up waits for whoever has its core: since Linux 6.6 until that one has used its
slice up, 3 ms or so. One with a longer slice is interrupted at once by who wakes with a shorter one
(Linux 6.12; older ones ignore the slice), and loses none of its share by that.
"""

import ctypes
import os
import platform
import struct
from typing import Final

NICE: Final = 5
"""Next to a unit that computes on the same core such a process gets a quarter of it.

Source: weights 335 and 1024 of nice 5 and 0 in Linux, kernel/sched/core.c, sched_prio_to_weight.
"""

SLICE_NS: Final = 100_000_000
"""The longest that Linux takes. Source: kernel/sched/syscalls.c, __setparam_fair."""

_CALLS: Final = {"x86_64": (314, 315), "aarch64": (274, 275), "riscv64": (274, 275)}
"""Numbers of sched_setattr and sched_getattr. Source: Linux's syscall tables."""

_ATTRIBUTES: Final = struct.Struct("=IIQiIQQQ")
"""size, policy, flags, nice, priority, runtime, deadline, period. Source: struct sched_attr."""

_SHARING: Final = (os.SCHED_OTHER, os.SCHED_BATCH)


def step_aside(nice: int) -> None:
    """Have this thread, and those that it starts, let others go first that have little to do.

    Args:
        nice: added to its niceness; 0 keeps its share.
    """
    policy = os.sched_getscheduler(0)
    if policy not in _SHARING:
        return  # somebody has chosen otherwise for the whole program
    os.nice(nice)
    calls = _CALLS.get(platform.machine())
    if calls is None:
        return
    mine = os.getpriority(os.PRIO_PROCESS, 0)
    asked = _ATTRIBUTES.pack(_ATTRIBUTES.size, policy, 0, mine, 0, SLICE_NS, 0, 0)
    ctypes.CDLL(None).syscall(calls[0], 0, asked, 0)  # refused, it waits as it always did


def slice_ns() -> int:
    """How long this thread may compute before it is another's turn; 0 where that isn't known."""
    calls = _CALLS.get(platform.machine())
    if calls is None:
        return 0
    found = ctypes.create_string_buffer(_ATTRIBUTES.size)
    if ctypes.CDLL(None).syscall(calls[1], 0, found, _ATTRIBUTES.size, 0):
        return 0
    slice_: int = _ATTRIBUTES.unpack(found.raw)[5]
    return slice_
