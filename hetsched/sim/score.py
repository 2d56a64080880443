"""XRBench's score of a simulated workload.

Score = 100 x mean over apps of (sum over served requests of RT x En / requests) x (1 - drop rate),
with RT = 1 / (1 + exp(k x delay beyond the deadline)) and En = (Emax - energy) / Emax.

Source: XRBench/XRBench-MLSys2023, HET_scoring-module.hpp. An app without requests scores 0 there;
here it is left out of the mean: a cascade that was never triggered was never asked for anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_MOST = 700.0
"""exp() of more overflows; what is that late scores nothing anyway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """One app's requests.

    Attributes:
        requests: how many came, without those still under way.
        dropped: of them, not served to their end.
        delay_ms: of each that was served, after its deadline; negative when it was early. (n,)
        energy_mj: of each that was served, (n,); None where unknown.
    """

    requests: int
    dropped: int
    delay_ms: NDArray[np.float64]
    energy_mj: NDArray[np.float64] | None


def xrbench_score(
    apps: Sequence[Served], k_per_ms: float, energy_max_mj: float | None
) -> float | None:
    """The score, 0 to 100; None when nothing was asked for, or energy counts and isn't known.

    Args:
        apps: what became of each app's requests.
        k_per_ms: steepness of the real-time term.
        energy_max_mj: Emax; None leaves the energy term out.
    """
    asked = [app for app in apps if app.requests]
    if not asked:
        return None
    total = 0.0
    for app in asked:
        terms = real_time(app.delay_ms, k_per_ms)
        if energy_max_mj is not None:
            if app.energy_mj is None:
                return None
            terms = terms * (energy_max_mj - app.energy_mj) / energy_max_mj
        total += float(terms.sum()) / app.requests * (1 - app.dropped / app.requests)
    return 100 * total / len(asked)


def real_time(delay_ms: NDArray[np.float64], k_per_ms: float) -> NDArray[np.float64]:
    """RT of each request, (n,): half at the deadline."""
    terms: NDArray[np.float64] = 1 / (1 + np.exp(np.clip(k_per_ms * delay_ms, -_MOST, _MOST)))
    return terms
