"""How many requests of an app came, how those that ended did so, and how long they took."""

from hetsched import _core
from hetsched.dispatch import STATUSES, RequestStatus
from hetsched.trace.histogram import Distribution, state_of

_NUMBER = {status: number for number, status in enumerate(STATUSES)}


class Tally(_core.Tally):
    """`requests` is the sum of the others but `in_flight`, and of that. Counts natively."""

    def count_as(self, status: RequestStatus, latency_ns: int) -> None:
        """One more has ended like that, so long after it came."""
        self.count(_NUMBER[status], latency_ns)

    @property
    def completed(self) -> int:
        """How many ended in time."""
        return self.ended[0]

    @property
    def missed(self) -> int:
        """How many ended late."""
        return self.ended[1]

    @property
    def dropped(self) -> int:
        """How many weren't run to their end."""
        return self.ended[2]

    @property
    def cancelled(self) -> int:
        """How many nobody waited for any more."""
        return self.ended[3]

    @property
    def failed(self) -> int:
        """How many failed."""
        return self.ended[4]

    @property
    def in_flight(self) -> int:
        """How many haven't ended."""
        return self.requests - sum(self.ended)

    @property
    def miss_rate(self) -> float:
        """(missed + dropped + failed) of those that ended and weren't cancelled; 0 of none."""
        completed, missed, dropped, _, failed = self.ended
        bad = missed + dropped + failed
        return bad / (bad + completed) if bad + completed else 0.0

    def latencies(self) -> Distribution:
        """Of those that were completed or missed."""
        return state_of(self.latency)

    def __repr__(self) -> str:
        """The counts in words."""
        counts = ", ".join(
            f"{status}={count}" for status, count in zip(STATUSES, self.ended, strict=True)
        )
        return f"Tally(requests={self.requests}, {counts})"
