"""XRBench's score of a simulation's result: from its requests to the score's terms."""

import numpy as np

from hetsched.dispatch import STATUSES, RequestStatus
from hetsched.sim.result import SimResult
from hetsched.sim.score import Served, xrbench_score
from hetsched.workload.model import Workload, carried_deadline

_SERVED = (STATUSES.index(RequestStatus.COMPLETED), STATUSES.index(RequestStatus.MISSED))


def scores(workload: Workload, result: SimResult) -> tuple[float | None, float | None]:
    """XRBench's score, and the same without its energy term."""
    parameters = workload.score
    if parameters is None or result.requests is None:
        return None, None
    served = [
        _served(result, at)
        for at in range(len(result.apps))
        if carried_deadline(workload, workload.app(result.apps[at].name))[0] is not None
    ]
    bare = xrbench_score(served, parameters.k_per_ms, None)
    if parameters.energy_max_mj is None:
        return None, bare
    return xrbench_score(served, parameters.k_per_ms, parameters.energy_max_mj), bare


def _served(result: SimResult, at: int) -> Served:
    assert result.requests is not None
    rows = result.requests[result.requests["app"] == at]
    rows = rows[np.isin(rows["status"], _SERVED)]
    app = result.apps[at]
    delay_ms = (rows["end_ns"] - rows["deadline_ns"]) / 1e6
    return Served(
        requests=app.requests - app.cancelled - app.in_flight,
        dropped=app.dropped + app.failed,
        delay_ms=delay_ms,
        energy_mj=None if app.energy_uj is None else rows["energy_uj"] / 1e3,
    )
