"""ONNX Runtime profiles: the JSON that `SessionOptions.enable_profiling` writes.

A list of events: `model_run` ends a run, `<node>_kernel_time` is one kernel in whole microseconds,
with its op type, provider and shapes. A node's time is the median over the runs; the first run
warms up and is left out where at least three are there. Times include what the profiler itself
takes per kernel (a few microseconds), which can't be told apart without plain runs.

Source: profiles written by ONNX Runtime 1.31 on x86-64 Linux.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from hetsched.cost.bands import band
from hetsched.cost.importing.numbers import time_ns
from hetsched.cost.importing.record import ImportedCost, Shape, Text, Wanted, spread
from hetsched.errors import CostError

NAME = "onnxruntime"
_SUFFIX = "_kernel_time"
_WARM_UP_FROM = 3
_TICK_NS = 1000
_STAMP = re.compile(r"_(\d{4}-\d{2}-\d{2})_\d{2}-\d{2}-\d{2}")
_BODIES = frozenset({"If", "Loop", "Scan"})


class _Args(msgspec.Struct, frozen=True):
    op_name: str = ""
    node_index: str | int = ""
    provider: str = ""
    output_type_shape: list[dict[str, Any]] | None = None


class _Event(msgspec.Struct, frozen=True):
    """One event; only what is needed is decoded."""

    name: str = ""
    cat: str = ""
    dur: int | float = 0
    ts: int | float = 0
    args: _Args = _Args()


@dataclass(frozen=True, slots=True)
class _Kernel:
    """An event with its number in the file and its time."""

    number: int
    event: _Event
    ns: int


def is_profile(text: Text) -> bool:
    """Whether a file looks like a profile, also a truncated one."""
    head = "\n".join(text.lines[:8])
    return head.lstrip().startswith(("[", "{")) and '"cat"' in head and '"ts"' in head


def read(text: Text, wanted: Wanted) -> list[ImportedCost]:
    """Rows per node, in the order in which they first ran.

    Raises:
        CostError: no JSON, truncated, no kernel in it, or kernels of several providers.
    """
    kernels = _chosen(text, _kernels(text), wanted.only)
    kept = kernels[1:] if len(kernels) >= _WARM_UP_FROM else kernels
    times: dict[tuple[str, str], list[int]] = {}
    for run in kept:
        for key, kernel_ns in _sums(run).items():
            times.setdefault(key, []).append(kernel_ns)
    first = {_key(kernel): kernel for run in reversed(kept) for kernel in reversed(run)}
    stamp = _STAMP.search(text.name)
    return [
        _row(text, first[key], samples, wanted, stamp[1] if stamp else "")
        for key, samples in times.items()
    ]


def _kernels(text: Text) -> list[list[_Kernel]]:
    """Kernels by run. Those inside bodies of If, Loop and Scan count with the op around them."""
    runs: list[list[_Kernel]] = [[]]
    for number, event in enumerate(_events(text), 1):
        if event.cat == "Session" and event.name == "model_run":
            runs.append([])
        elif event.cat == "Node" and event.name.endswith(_SUFFIX):
            field = f"dur of {event.name}"
            ns = time_ns(text, _line(text, number), field, str(event.dur), _TICK_NS)
            if event.args.op_name in _BODIES:
                runs[-1] = [inner for inner in runs[-1] if inner.event.ts < event.ts]
            runs[-1].append(_Kernel(number, event, ns))
    found = [run for run in runs if run]
    if not found:
        raise CostError(
            f"{text.name} holds no {_SUFFIX} event: set enable_profiling before the session is "
            f"made, run it, call end_profiling; nothing was imported"
        )
    return found


def _line(text: Text, number: int) -> int:
    """ONNX Runtime writes an event a line, after one with the bracket."""
    return number + 1 if text.lines[0].strip() == "[" else 1


def _events(text: Text) -> Sequence[_Event]:
    content = "\n".join(text.lines).encode()
    try:
        return msgspec.json.decode(content, type=list[_Event])
    except msgspec.ValidationError as error:
        raise CostError(
            f"{text.name} is JSON, but no ONNX Runtime profile ({error}): give the file that "
            f"end_profiling names; nothing was imported"
        ) from error
    except msgspec.DecodeError as error:
        end = len(text.lines)
        what = "is truncated" if "truncated" in str(error) else "is no JSON"
        raise CostError(
            f"{text.name} {what} ({error}; {end} lines): call end_profiling before copying the "
            f"file, and copy all of it; nothing was imported"
        ) from error


def _chosen(text: Text, runs: list[list[_Kernel]], only: str | None) -> list[list[_Kernel]]:
    """Kernels of one provider.

    Raises:
        CostError: when there are several and none is asked for, or the one asked for isn't there.
    """
    count: dict[str, int] = {}
    for kernel in runs[-1]:
        provider = kernel.event.args.provider
        count[provider] = count.get(provider, 0) + 1
    if only is None and len(count) == 1:
        return runs
    names = {name: name.removesuffix("ExecutionProvider") for name in count}
    listed = ", ".join(f"{names[name]} ({number} kernels)" for name, number in count.items())
    if only is None:
        raise CostError(
            f"{text.name} mixes units: {listed} ran parts of it; choose whose times to take with "
            f"--only, as --only {next(iter(names.values()))}; nothing was imported"
        )
    wanted = {
        name for name, short in names.items() if only.lower() in (name.lower(), short.lower())
    }
    if not wanted:
        raise CostError(
            f"{text.name}: --only {only}: no kernel ran there, only on {listed}; "
            f"nothing was imported"
        )
    kept = [[k for k in run if k.event.args.provider in wanted] for run in runs]
    return [run for run in kept if run]


def _key(kernel: _Kernel) -> tuple[str, str]:
    return kernel.event.name.removesuffix(_SUFFIX), str(kernel.event.args.node_index)


def _sums(run: Iterable[_Kernel]) -> Mapping[tuple[str, str], int]:
    found: dict[tuple[str, str], int] = {}
    for kernel in run:
        found[_key(kernel)] = found.get(_key(kernel), 0) + kernel.ns
    return found


def _row(
    text: Text, kernel: _Kernel, samples: Sequence[int], wanted: Wanted, date: str
) -> ImportedCost:
    args = kernel.event.args
    seen = band(samples)
    low, high = (seen.low_ns, seen.high_ns) if len(samples) > 1 else spread(seen.latency_ns)
    return ImportedCost(
        at=f"{text.name}:{_line(text, kernel.number)} ({_key(kernel)[0]})",
        scope="op",
        name=_key(kernel)[0],
        kind=args.op_name,
        unit=wanted.unit,
        dtype=wanted.dtype,
        threads=wanted.threads,
        framework=NAME,
        backend=args.provider.removesuffix("ExecutionProvider").lower(),
        latency_ns=seen.latency_ns,
        low_ns=low,
        high_ns=high,
        runs=len(samples),
        date=date,
        outputs=_shapes(args.output_type_shape),
        tick_ns=_TICK_NS,
    )


def _shapes(described: list[dict[str, Any]] | None) -> tuple[Shape, ...] | None:
    """`[{"float": [1, 8]}]` to `((1, 8),)`; None where anything is missing."""
    if not described:
        return None
    found = []
    for one in described:
        dims = next(iter(one.values()), None)
        if not isinstance(dims, list) or not all(isinstance(dim, int) for dim in dims):
            return None
        found.append(tuple(dims))
    return tuple(found)
