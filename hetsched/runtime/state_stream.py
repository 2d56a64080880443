"""Requests that belong together: each one takes the state that the one before left."""

from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Mapping
from typing import Any, Literal, Protocol

import numpy as np

from hetsched.errors import RunError
from hetsched.runtime.result import Result
from hetsched.runtime.state import Turns
from hetsched.runtime.stream import in_order

Duration = str | int | None


class Serves(Protocol):
    """What a stream's requests go through: an app."""

    async def through(
        self, inputs: Any, deadline: Duration, timeout: Duration, stream: "StateStream | None"
    ) -> Result:
        """One request, on an event loop."""
        ...

    def through_blocking(
        self, inputs: Any, deadline: Duration, timeout: Duration, stream: "StateStream | None"
    ) -> Result:
        """One request, on the calling thread."""
        ...


class StateStream:
    """A stream of one app's requests with state of its own; called like the app, without state.

    Requests reach the model one after the other, in the order of the calls; other streams' run
    meanwhile. The state moves on when the model has run to its end, in time or late. A request that
    was dropped, cancelled or that failed before leaves it as it was, and the next one goes on from
    there. Outputs that are state aren't among the outputs.

    Attributes:
        turns: whose turn it is.
        values: the state by input name, as the latest request left it; not to be changed.
    """

    def __init__(self, app: Serves, values: dict[str, np.ndarray]) -> None:
        self._app = app
        self.turns = Turns()
        self.values = values

    @property
    def state(self) -> dict[str, np.ndarray]:
        """A copy of the state by input name, as the latest request left it."""
        return {name: value.copy() for name, value in self.values.items()}

    async def __call__(
        self, inputs: Any, *, deadline: Duration = None, timeout: Duration = None
    ) -> Any:
        """As for the app."""
        return (await self._app.through(inputs, deadline, timeout, self)).outputs

    async def request(
        self, inputs: Any, *, deadline: Duration = None, timeout: Duration = None
    ) -> Result:
        """As for the app."""
        return await self._app.through(inputs, deadline, timeout, self)

    def run(self, inputs: Any, *, deadline: Duration = None, timeout: Duration = None) -> Any:
        """As for the app."""
        return self._app.through_blocking(inputs, deadline, timeout, self).outputs

    def run_timed(
        self, inputs: Any, *, deadline: Duration = None, timeout: Duration = None
    ) -> Result:
        """As for the app."""
        return self._app.through_blocking(inputs, deadline, timeout, self)

    def stream(
        self,
        source: Iterable[Mapping[str, Any]] | AsyncIterable[Mapping[str, Any]],
        *,
        max_in_flight: int = 2,
        drop: Literal["latest"] | None = None,
    ) -> AsyncGenerator[Any, None]:
        """As for the app."""
        if max_in_flight < 1:
            raise RunError(f"max_in_flight is {max_in_flight}: give 1 or more")
        if drop not in (None, "latest"):
            raise RunError(f"drop is {drop!r}: give None or 'latest'")
        return in_order(self, source, max_in_flight, keeps_latest=drop is not None)
