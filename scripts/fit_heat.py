"""Fit a heat network of two nodes in a row to a published curve of temperatures.

    python scripts/fit_heat.py scripts/heat/raspberry-pi-4b.csv --load 3.4 --until 300.6

The rise under a step of power is fitted by two exponentials (Foster's form; the cooling after the
step's end is part of the fit), which are turned into the ladder that behaves alike (Cauer's form):
a node that is heated, behind it a node that gives its heat to the air.
Source: continued fraction of the driving-point impedance; Szekely and Van Bien 1988, "Fine
structure of heat flow path in semiconductor devices", Solid-State Electronics 31 (9).
"""

import argparse
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """Two nodes in a row: the first is heated, the second gives its heat to the air.

    Attributes:
        rest_c: temperature before the step.
        taus_s: time constants, the shorter first.
        rises_k: what each contributes to the rise in the end.
        capacity_j_per_k: of each node.
        resistance_k_per_w: from the first to the second, and from there to the air.
        rms_k: between curve and fit.
    """

    rest_c: float
    taus_s: tuple[float, float]
    rises_k: tuple[float, float]
    capacity_j_per_k: tuple[float, float]
    resistance_k_per_w: tuple[float, float]
    rms_k: float


def fit(time_s: np.ndarray, degrees: np.ndarray, load_w: float, until_s: float) -> Ladder:
    """The ladder whose response to `load_w` from 0 to `until_s` is closest to a curve.

    Args:
        time_s: `(N,)`, below 0 before the load.
        degrees: `(N,)`.
        load_w: above what is drawn before.
        until_s: end of the load.

    Raises:
        SystemExit: when no two exponentials rise.
    """
    best: tuple[float, tuple[float, float], np.ndarray] | None = None
    for low, high in combinations(np.geomspace(1, 1000, 100), 2):
        columns = [np.ones_like(time_s)]
        columns += [_response(time_s, tau, until_s) for tau in (low, high)]
        matrix = np.stack(columns, axis=1)
        found = np.linalg.lstsq(matrix, degrees, rcond=None)[0]
        rms = float(np.sqrt(np.mean((matrix @ found - degrees) ** 2)))
        if (found[1:] > 0).all() and (best is None or rms < best[0]):
            best = (rms, (float(low), float(high)), found)
    if best is None:
        raise SystemExit("the curve doesn't rise as two exponentials do")
    rms, taus, found = best
    rises = (float(found[1]), float(found[2]))
    capacities, resistances = cauer(taus, (rises[0] / load_w, rises[1] / load_w))
    return Ladder(
        rest_c=float(found[0]),
        taus_s=taus,
        rises_k=rises,
        capacity_j_per_k=capacities,
        resistance_k_per_w=resistances,
        rms_k=rms,
    )


def _response(time_s: np.ndarray, tau_s: float, until_s: float) -> np.ndarray:
    def since(begin_s: float) -> np.ndarray:
        return np.asarray(1.0 - np.exp(-np.clip(time_s - begin_s, 0.0, None) / tau_s))

    rise: np.ndarray = since(0.0) - since(until_s)
    return rise


def cauer(
    taus_s: tuple[float, float], foster_k_per_w: tuple[float, float]
) -> tuple[tuple[float, float], tuple[float, float]]:
    """From exponentials to the ladder: capacities in J/K, resistances in K/W.

    Z(s) = r1 / (1 + s t1) + r2 / (1 + s t2) = (n0 + n1 s) / (1 + d1 s + d2 s^2), taken apart from
    the outside: 1 / Z = s c1 + 1 / (ra + 1 / (s c2 + 1 / rb)).
    """
    (t1, t2), (r1, r2) = taus_s, foster_k_per_w
    n0, n1 = r1 + r2, r1 * t2 + r2 * t1
    c1 = t1 * t2 / n1
    e = t1 + t2 - c1 * n0
    ra = n1 / e
    rb = n0 - ra
    return (c1, e / rb), (ra, rb)


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Columns time_s and temperature_c."""
    rows = [line for line in path.read_text().splitlines() if line and line[0] not in "#t"]
    table = np.array([[float(each) for each in row.split(",")] for row in rows])
    return table[:, 0], table[:, 1]


def main() -> None:
    """Print what goes into a profile."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("curve", type=Path)
    parser.add_argument("--load", type=float, required=True, help="watts above idle")
    parser.add_argument("--until", type=float, required=True, help="seconds of load")
    asked = parser.parse_args()
    found = fit(*read(asked.curve), asked.load, asked.until)
    print(f"rest {found.rest_c:.1f} C, rms {found.rms_k:.2f} K")
    for tau, rise in zip(found.taus_s, found.rises_k, strict=True):
        print(f"{rise:.1f} K with a time constant of {tau:.1f} s")
    pairs = zip(found.capacity_j_per_k, found.resistance_k_per_w, strict=True)
    for name, (capacity, resistance) in zip(("die", "board"), pairs, strict=True):
        print(f"{name}: {capacity:.3g} J/K, {resistance:.3g} K/W")


if __name__ == "__main__":
    main()
