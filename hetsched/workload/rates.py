"""How many requests a second an app gets on average, as far as that is known beforehand."""

from hetsched.workload.arrivals import Bursty, Closed, Periodic, Poisson, Replay
from hetsched.workload.files import read_times_ns
from hetsched.workload.model import App, Workload


def rates_hz(workload: Workload) -> dict[str, float | None]:
    """Mean rate per app while it is there; None for closed loops, which depend on the answers."""
    return {app.name: _rate_hz(workload, app) for app in workload.apps}


def _rate_hz(workload: Workload, app: App) -> float | None:
    if app.after is not None:
        origin = _rate_hz(workload, workload.app(app.after.app))
        return None if origin is None else origin * app.after.probability * app.after.count
    match app.pattern:
        case Periodic(rate=rate) | Poisson(rate=rate):
            return rate
        case Bursty(rate=rate, on_ns=on_ns, off_ns=off_ns):
            return rate * on_ns / (on_ns + off_ns)
        case Replay(file=file):
            times = read_times_ns(file)
            return len(times) / (max(times[-1], 1) / 1e9)
        case Closed() | None:
            return None
