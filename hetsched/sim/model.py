"""Apps as the simulator takes them: what they ask of units, links and memory, and when.

Times are integers of ns. What isn't known is None and has no effect; the result says so.
"""

from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from typing import Literal

from hetsched.dispatch import StageNode, Terms
from hetsched.sim.arrivals import Arrivals
from hetsched.sim.refuse import check_number, refuse_unless

LONGEST_NS = 1 << 50
"""13 days: no stage takes longer, no simulation lasts longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """How much longer or shorter than expected a stage's computing takes, from run to run.

    Attributes:
        kind: `none`; `lognormal`, exp(sigma * z) with z standard normal: 1 in the median;
            `exponential` with mean 1; `quantiles`, measured.
        sigma: of `lognormal`.
        factors: of `quantiles`: at equally spaced probabilities from 0 to 1, linear in between.
    """

    kind: Literal["none", "lognormal", "exponential", "quantiles"] = "none"
    sigma: float = 0.0
    factors: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            SimError: naming what is wrong.
        """
        fits = isfinite(self.sigma) and 0 <= self.sigma <= 10
        refuse_unless(fits, f"sigma is {self.sigma:g}: give 0 to 10")
        if self.kind != "quantiles":
            return
        refuse_unless(len(self.factors) >= 2, "quantiles need two factors at least")
        rise = all(0 <= low <= high < 1e6 for low, high in pairwise(self.factors))
        refuse_unless(rise, f"factors must rise, from 0 to a million: {self.factors[:8]}")


FIXED = Variation()


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkUse:
    """A copy that a stage waits for before it computes.

    Attributes:
        link: index in the SoC's links.
        nbytes: how much is copied; the link's bandwidth is shared with other copies.
        fixed_ns: latency and whatever else nobody shares.
    """

    link: int
    nbytes: int
    fixed_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StageWork:
    """What a stage does on one of its units, beyond taking its time.

    The parts lie inside the stage's time: dispatch, copies, and computing for what is left.

    Attributes:
        time_ns: alone; None where it is what the dispatcher expects.
        dispatch_ns: at its beginning, slowed down by nothing.
        transfers: copies in, one after the other.
        dram_bytes: read from and written to the shared memory while computing; None where unknown.
        traffic_ns: the part of computing that this takes alone; all of it where None.
        power_mw: at the clock that the time is for; None for the unit's own power.
    """

    time_ns: int | None = None
    dispatch_ns: int = 0
    transfers: tuple[LinkUse, ...] = ()
    dram_bytes: float | None = None
    traffic_ns: float | None = None
    power_mw: float | None = None

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            SimError: naming what is wrong.
        """
        for name in ("time_ns", "dispatch_ns", "dram_bytes", "traffic_ns", "power_mw"):
            check_number(getattr(self, name), name)
        for use in self.transfers:
            check_number(use.nbytes, "a transfer's nbytes")
            check_number(use.fixed_ns, "a transfer's fixed_ns")


PLAIN = StageWork()
PLAIN_TERMS = Terms()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """A request of this app follows each of another app's that has ended with a result.

    Attributes:
        after: name of that app.
        probability: that it does.
        count: how many requests it is then, at once.
        deadline: `origin`: the deadline of the request that it all goes back to, `own`: the app's.
    """

    after: str
    probability: float = 1.0
    count: int = 1
    deadline: Literal["origin", "own"] = "origin"

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            SimError: naming what is wrong.
        """
        fits = 0 < self.probability <= 1
        refuse_unless(fits, f"probability is {self.probability:g}: give more than 0, at most 1")
        refuse_unless(1 <= self.count <= 10_000, f"count is {self.count}: give 1 to 10,000")


@dataclass(frozen=True, slots=True, kw_only=True)
class SimApp:
    """A stream of requests, each of which runs the same stages.

    Attributes:
        name: unique.
        nodes: what the dispatcher knows of the stages; units are indices in the SoC's.
        works: per stage and alternative, in the order of its node's units; empty: times alone.
        variations: per stage; empty: none varies.
        arrivals: when requests come; None for an app that is only triggered.
        triggers: other apps whose results bring requests.
        terms: deadline, priority, queue.
        timeout_ns: a request that takes longer is cancelled: its caller has gone; None for never.
        load: (from ns, factor), rising: from then on requests come so many times as fast.
        active: (from ns, to ns), rising: when the app is there, None for ever; always where empty.
        memory_bytes: (unit's index, bytes) of weights and activations while it is there.
        stage_names: for the trace; s0, s1, ... where empty.
        uncounted: effects that its numbers leave out, in words, for the result.
    """

    name: str
    nodes: tuple[StageNode, ...]
    works: tuple[tuple[StageWork, ...], ...] = ()
    variations: tuple[Variation, ...] = ()
    arrivals: Arrivals | None = None
    triggers: tuple[Trigger, ...] = ()
    terms: Terms = PLAIN_TERMS
    timeout_ns: int | None = None
    load: tuple[tuple[int, float], ...] = ()
    active: tuple[tuple[int, int | None], ...] = ()
    memory_bytes: tuple[tuple[int, int], ...] = ()
    stage_names: tuple[str, ...] = ()
    uncounted: tuple[str, ...] = ()

    def work(self, stage: int, choice: int) -> StageWork:
        """What a stage does on one of its units."""
        return self.works[stage][choice] if self.works else PLAIN

    def variation(self, stage: int) -> Variation:
        """How a stage's time varies."""
        return self.variations[stage] if self.variations else FIXED
