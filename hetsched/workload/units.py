"""What happens to a SoC's units while a workload runs: another clock, failures."""

from itertools import pairwise

from hetsched.workload.fields import Ns, Struct, field, refuse_unless


class Outage(Struct, frozen=True, kw_only=True):
    """A unit fails, and may come back: `{ from = "10s", to = "20s" }`.

    Attributes:
        from_ns: since the start.
        to_ns: None for one that doesn't come back.
    """

    from_ns: Ns = field(name="from")
    to_ns: Ns | None = field(name="to", default=None)

    def __post_init__(self) -> None:
        """Check the order.

        Raises:
            ValueError: when it is back before it fails.
        """
        fits = self.to_ns is None or self.from_ns < self.to_ns
        refuse_unless(fits, "an outage's `to` must come after its `from`")


class UnitCourse(Struct, frozen=True, kw_only=True):
    """What happens to one unit.

    Attributes:
        mhz: the clock that it runs at, one of the profile's; the highest where left out.
        outages: rising; only the last one may be for ever.
    """

    mhz: float | None = None
    outages: tuple[Outage, ...] = ()

    def __post_init__(self) -> None:
        """Check the order.

        Raises:
            ValueError: when outages overlap.
        """
        for first, second in pairwise(self.outages):
            fits = first.to_ns is not None and first.to_ns < second.from_ns
            refuse_unless(fits, "outages must rise and not overlap, only the last may have no `to`")
