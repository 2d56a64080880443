"""Learn from published rows what units of a kind have in common: hetsched/cost/data/shapes.json.

    scripts/calibration_shapes.py

Takes all of ncnn's rows of the tables: every run (SoC, cores, threads, dtype, date) with enough
networks is a unit. By turns, each unit's coefficients are fitted near the mean shape of its kind,
and the mean and spread are taken of what was found; then the same without each network in turn.
"""

import json
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hetsched.cost.calibrate.features import FIELDS, published
from hetsched.cost.calibrate.fit import Vector, fit
from hetsched.cost.calibrate.rows import Row
from hetsched.cost.calibrate.rows import published as published_rows
from hetsched.cost.calibrate.shapes import (
    ASSUMED_SPREAD,
    BY_ARITHMETIC,
    FILE,
    FRAMEWORK,
    Shape,
    stiffness,
)
from hetsched.ir.graph import ITEM_BITS

DTYPES = {"fp16": "float16", "fp32": "float32", "fp16s-fp32a": "float16", "int8": "int8"}
LITTLE = re.compile(r"A53|A55|A7@|A5@")
ENOUGH = {"cpu": 7, "gpu": 12}
CLUSTER = 4
"""Cores, where a row doesn't say how many."""
ROUNDS = 6
FEWER_ROUNDS = 3  # When a network is left out, the mean is near to begin with.
WORTH = 4.0
"""Units that what was assumed before counts for."""
FLOOR = 0.16
"""Least spread of a coefficient: a few dozen units don't know it better."""
DISPATCH_NS = {"cpu": 5e4, "gpu": 2e5}
"""What profiles assume."""
BEGIN = {
    # Relative to a 1x1 MAC: on CPUs of a unit with 1 GMAC/s, medians of fits without any shape.
    "cpu": (1, 0.36, 2.1, 4.4, 1.4, 0.033, 13, 9, 3.3e3),
    "gpu": (1, 0.7, 2, 5, 4, 1, 33, 15, 5e5),
}
MACS = {
    "A5": (1, 1, 2), "A7": (2, 2, 4), "A17": (4, 4, 8), "A53": (4, 4, 8), "A53-class": (4, 4, 8),
    "A55": (4, 8, 16), "A57": (4, 4, 8), "A72": (4, 4, 8), "A73": (4, 4, 8), "A73-class": (4, 4, 8),
    "Kryo": (4, 4, 8), "Denver2": (4, 4, 8), "A76": (8, 16, 32), "A77": (8, 16, 32),
    "A78": (8, 16, 32), "A78AE": (8, 16, 32), "A720": (8, 16, 32), "Carmel": (8, 16, 32),
    "X1": (16, 32, 64), "X3": (16, 32, 64), "X4": (16, 32, 64),
}  # fmt: skip
"""Multiply-accumulates per cycle and core in float32, float16 and int8.

Source: cpufp's measurements of A55, A72, A53 and A76; vector units and dot products of the others
by Arm's descriptions. A constant factor for all cores of a kind changes little."""
CORE = re.compile(r"(?:(\d+)x)?([A-Z][A-Za-z0-9-]*)(?:/\w+)?@([\d.]+)")
NUMBER = {"fp32": 0, "fp16": 1, "int8": 2}


@dataclass(frozen=True, slots=True)
class Run:
    """One unit at one date.

    Attributes:
        models: (networks,).
        amounts: (networks, coefficients); on CPUs those that go by arithmetic over the peak.
        measured: (networks,), ns.
        fixed: ns.
    """

    models: tuple[str, ...]
    amounts: Vector
    measured: Vector
    fixed: float


def kind(row: Row) -> str:
    """`cpu-little int8`, `cpu-big-core float`; empty for what a shape is not made of."""
    if row.framework != FRAMEWORK or row.dtype not in DTYPES:
        return ""
    number = "int8" if row.dtype == "int8" else "float"
    if row.unit.startswith("gpu"):
        # On GPUs ncnn falls back to the CPU for int8.
        return "" if number == "int8" else "gpu float"
    threads = int(row.threads) if row.threads.isdigit() else 99
    cores = sum(int(count) for count in re.findall(r"(\d+)x", row.core)) or CLUSTER
    mixed = row.unit == "cpu:all" and ("+" in row.core or "@" not in row.core)
    if threads > cores or (mixed and threads > 1):
        return ""  # Threads wait for cores, or an op for the slow cluster.
    little = LITTLE.search(row.core.split("+")[0]) is not None
    name = "cpu-little" if little else "cpu-big"
    return f"{name}{'-core' if threads == 1 else ''} {number}"


def peak(row: Row) -> float | None:
    """GMAC/s of the cores that a row's threads ran on, fastest first; None for unknown cores."""
    found: list[float] = []
    for count, core, clock in CORE.findall(row.core):
        if core not in MACS:
            return None
        found += [MACS[core][NUMBER[row.dtype]] * float(clock)] * int(count or 1)
    threads = int(row.threads)
    if not found:
        return None
    found = sorted(found, reverse=True) + [min(found)] * threads
    return sum(found[:threads])


def runs() -> dict[str, list[Run]]:
    """By kind."""
    units: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in published_rows():
        if kind(row) and row.key in published():
            name = (row.soc, row.unit, row.threads, row.dtype, row.measured, row.core)
            units[kind(row), *name].append(row)
    found: dict[str, list[Run]] = defaultdict(list)
    for key, rows in sorted(units.items()):
        label = key[0]
        scale = peak(rows[0]) if label.startswith("cpu") else 1.0
        if scale is None or len(rows) < ENOUGH[label[:3]]:
            continue
        item = ITEM_BITS[DTYPES[rows[0].dtype]] // 8
        amounts = np.array([published()[row.key].amounts(item) for row in rows])
        amounts /= np.where(BY_ARITHMETIC, scale, 1.0)
        measured = np.array([row.ms * 1e6 for row in rows])
        models = tuple(row.model for row in rows)
        found[label].append(Run(models, amounts, measured, DISPATCH_NS[label[:3]]))
    return found


def learn(
    units: Sequence[Run], begin: Vector, spread: Vector, rounds: int, without: str = ""
) -> Shape:
    """Mean and spread of units' shapes, by turns with the units' coefficients.

    Args:
        units: of one kind.
        begin: (coefficients,), the mean before, logarithms relative to the first.
        spread: (coefficients, coefficients), before.
        rounds: how often.
        without: a model to leave out.
    """
    mean, present = begin, spread
    speeds = [float(_speed(unit, mean)) for unit in units]
    for _ in range(rounds):
        logs = []
        for unit, speed in zip(units, speeds, strict=True):
            kept = np.array([model != without for model in unit.models])
            start = speed * np.exp(mean)
            none = np.full_like(start, 1e-12)
            found = fit(
                unit.amounts[kept], unit.measured[kept], start, none, unit.fixed, stiffness(present)
            )
            logs.append(np.log(found))
        shapes = np.array([log - log.mean() for log in logs])
        before = begin - begin.mean()
        count = len(shapes) + WORTH
        centre = (shapes.sum(axis=0) + WORTH * before) / count
        off = shapes - centre
        present = (off.T @ off + WORTH * ASSUMED_SPREAD) / count + FLOOR**2 * np.eye(len(FIELDS))
        mean = centre - centre[0]
        speeds = [float(np.exp(log.mean() - centre.mean() + centre[0])) for log in logs]
    return Shape(mean=mean, by_peak=True, spread=present, units=len(units), without={})


def _speed(unit: Run, mean: Vector) -> float:
    """Cost of a 1x1 MAC that explains the median network."""
    return float(np.median(unit.measured / (unit.amounts @ np.exp(mean))))


def made(units: Mapping[str, Sequence[Run]], leave_out: bool = True) -> dict[str, object]:
    """Content of the file."""
    content: dict[str, object] = {}
    for name, found in units.items():
        begin = np.log(np.array(BEGIN[name[:3]]))
        whole = learn(found, begin, ASSUMED_SPREAD, ROUNDS)
        models = sorted({model for unit in found for model in unit.models}) if leave_out else []
        without = {
            model: learn(found, whole.mean, whole.spread, FEWER_ROUNDS, model).mean
            for model in models
        }
        content[name] = {
            "units": whole.units,
            "by_peak": name.startswith("cpu"),
            "mean": _short(whole.mean),
            "spread": [_short(row) for row in whole.spread],
            "without": {model: _short(mean) for model, mean in without.items()},
        }
    return content


def _short(values: Vector) -> list[float]:
    return [round(value, 4) for value in values.tolist()]


if __name__ == "__main__":
    text = json.dumps(made(runs()), indent=1)
    text = re.sub(r"\[\s+(-?[\d.]+,?\s+)+\]", lambda match: " ".join(match[0].split()), text)
    FILE.write_text(text + "\n", encoding="utf-8")
    print(FILE)
