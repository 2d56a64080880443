"""When an app's requests come: the patterns that the simulator knows."""

from dataclasses import dataclass
from typing import TypeAlias

from hetsched.sim.refuse import refuse_unless

MAX_RATE = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Periodic:
    """One request every 1 / rate.

    Attributes:
        rate: requests per second.
        jitter_ns: each comes up to so much later, uniformly; at most 1 / rate.
        phase_ns: when the first one comes, since the app's start.
    """

    rate: float
    jitter_ns: int = 0
    phase_ns: int = 0

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            SimError: naming what is wrong.
        """
        _check_rate(self.rate)
        interval = 1e9 / self.rate
        fits = 0 <= self.jitter_ns <= interval
        refuse_unless(fits, f"jitter is {self.jitter_ns} ns: give 0 to {interval:.0f}, one period")
        refuse_unless(self.phase_ns >= 0, f"phase is {self.phase_ns} ns: give 0 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class Poisson:
    """Independent requests: exponential gaps with mean 1 / rate."""

    rate: float

    def __post_init__(self) -> None:
        """Check the rate.

        Raises:
            SimError: naming it.
        """
        _check_rate(self.rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bursty:
    """Poisson requests while it is on, none while it is off; it begins on.

    Attributes:
        rate: requests per second while it is on.
        on_ns: length of a burst.
        off_ns: length of a pause.
        is_random: `on_ns` and `off_ns` are means of exponential lengths.
    """

    rate: float
    on_ns: int
    off_ns: int
    is_random: bool = True

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            SimError: naming what is wrong.
        """
        _check_rate(self.rate)
        for name, value in (("on", self.on_ns), ("off", self.off_ns)):
            refuse_unless(value > 0, f"{name} is {value} ns: give more than 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """Requests at given times since the app's start, rising."""

    times_ns: tuple[int, ...]

    def __post_init__(self) -> None:
        """Check the order.

        Raises:
            SimError: naming the first time that is wrong.
        """
        before = 0
        for index, time in enumerate(self.times_ns):
            refuse_unless(
                time >= before, f"time {index} is {time} ns: give at least {before}, times rise"
            )
            before = time


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """So many clients, each of which asks again some time after its answer.

    Attributes:
        clients: how many.
        think_ns: from an answer to the next request.
        is_random: `think_ns` is the mean of exponential pauses.
        phase_ns: when they begin, since the app's start.
    """

    clients: int = 1
    think_ns: int = 0
    is_random: bool = False
    phase_ns: int = 0

    def __post_init__(self) -> None:
        """Check the numbers.

        Raises:
            SimError: naming what is wrong.
        """
        fits = 0 < self.clients <= 100_000
        refuse_unless(fits, f"clients is {self.clients}: give 1 to 100,000")
        refuse_unless(self.think_ns >= 0, f"think is {self.think_ns} ns: give 0 or more")
        refuse_unless(self.phase_ns >= 0, f"phase is {self.phase_ns} ns: give 0 or more")


Arrivals: TypeAlias = Periodic | Poisson | Bursty | Replay | Closed


def _check_rate(rate: float) -> None:
    refuse_unless(
        0 < rate <= MAX_RATE, f"rate is {rate:g} per second: give more than 0, at most {MAX_RATE:g}"
    )
