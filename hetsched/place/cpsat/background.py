"""CP-SAT in a thread of its own, beside other searches."""

import threading
from types import TracebackType
from typing import Self

from hetsched.place.cpsat.energy import solve_energy
from hetsched.place.cpsat.search import Found, Stop
from hetsched.place.cpsat.throughput import solve_throughput
from hetsched.place.limits import Limits
from hetsched.place.placement import Schedule
from hetsched.place.problem import THROUGHPUT, Problem


class Background:
    """A search from its creation until its result is asked for, or until the block is left."""

    def __init__(
        self, problem: Problem, objective: str, floor: Schedule, bound: int, limits: Limits
    ) -> None:
        """Prepare the search.

        Args:
            problem: what is placed.
            objective: `throughput` or `energy`.
            floor: a valid schedule that the answer is no worse than.
            bound: what no schedule is known to get under, as a score.
            limits: when to stop.
        """
        self._solve = solve_throughput if objective == THROUGHPUT else solve_energy
        self._problem, self._floor, self._bound, self._limits = problem, floor, bound, limits
        self._stop = Stop()
        self._found = Found(schedule=floor, bound=bound)
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="hetsched-cp-sat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.ask(self._thread)

    def result(self) -> Found:
        """What was found; waits until the search has ended.

        Raises:
            BaseException: what the search raised.
        """
        self._thread.join()
        if self._failure is not None:
            raise self._failure
        return self._found

    def _run(self) -> None:
        try:
            self._found = self._solve(
                self._problem, self._floor, self._limits, self._bound, self._stop
            )
        except BaseException as failure:  # noqa: BLE001 handed to the thread that asks for the result
            self._failure = failure
