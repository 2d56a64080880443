"""When requests come: the patterns that a workload file can name."""

from typing import TypeAlias

from hetsched.workload.fields import Ns, Struct, field, refuse_unless


class Periodic(Struct, frozen=True, kw_only=True, tag_field="kind", tag="periodic"):
    """One request every 1 / rate.

    Attributes:
        rate: requests per second.
        jitter_ns: each comes up to so much later, uniformly.
        phase_ns: when the first one comes.
    """

    rate: float
    jitter_ns: Ns = field(name="jitter", default=Ns(0))
    phase_ns: Ns = field(name="phase", default=Ns(0))

    def __post_init__(self) -> None:
        """Check the rate.

        Raises:
            ValueError: naming it.
        """
        _check_rate(self.rate)


class Poisson(Struct, frozen=True, kw_only=True, tag_field="kind", tag="poisson"):
    """Independent requests: exponential gaps with mean 1 / rate."""

    rate: float

    def __post_init__(self) -> None:
        """Check the rate.

        Raises:
            ValueError: naming it.
        """
        _check_rate(self.rate)


class Bursty(Struct, frozen=True, kw_only=True, tag_field="kind", tag="bursty"):
    """Poisson requests while it is on, none while it is off; both last exponentially long.

    Attributes:
        rate: requests per second while it is on.
        on_ns: mean length of a burst.
        off_ns: mean length of a pause.
    """

    rate: float
    on_ns: Ns = field(name="on")
    off_ns: Ns = field(name="off")

    def __post_init__(self) -> None:
        """Check rate and lengths.

        Raises:
            ValueError: naming what is wrong.
        """
        _check_rate(self.rate)
        refuse_unless(self.on_ns > 0 and self.off_ns > 0, "`on` and `off` must be above 0")


class Replay(Struct, frozen=True, kw_only=True, tag_field="kind", tag="trace"):
    """Requests at given times.

    Attributes:
        file: text, one time a line, in seconds since the start, rising; `#` begins a comment.
    """

    file: str


class Closed(Struct, frozen=True, kw_only=True, tag_field="kind", tag="closed"):
    """So many clients, each of which asks again some time after its answer.

    Attributes:
        clients: how many.
        think_ns: from an answer to the next request.
    """

    clients: int = 1
    think_ns: Ns = field(name="think", default=Ns(0))

    def __post_init__(self) -> None:
        """Check the number of clients.

        Raises:
            ValueError: naming it.
        """
        refuse_unless(0 < self.clients <= 10_000, f"clients {self.clients} must be 1 to 10,000")


Arrivals: TypeAlias = Periodic | Poisson | Bursty | Replay | Closed


def _check_rate(rate: float) -> None:
    refuse_unless(0 < rate <= 1e6, f"rate {rate:g} must be above 0 and at most a million a second")
