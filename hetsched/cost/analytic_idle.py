"""What the first stage on a sleeping unit pays."""

from hetsched.quantity import End
from hetsched.soc.unit import Unit


def wake_ns(unit: Unit, idle_ns: int, end: End = End.ESTIMATE) -> int | None:
    """Cold start of a unit that was idle for some time.

    Source: a profile's `idle`. Helio G90's kernel keeps its APU powered for 2 s after the last
    request and its clock for 3 s; what powering it up costs was not found: it stays unknown.

    Args:
        unit: that a stage starts on.
        idle_ns: since its last stage; 0 for one right after another.
        end: the estimate, or an end of its error band.

    Returns:
        0 for a unit that is awake, None where it isn't known.
    """
    if idle_ns <= 0:
        return 0
    if unit.idle is None:
        return None
    if unit.idle.keep is not None and idle_ns <= unit.idle.keep.base("time"):
        return 0
    return None if unit.idle.wake is None else round(unit.idle.wake.fixed_ns(end))
