"""One call of a host stage, from the request that asks for it to whoever does it."""

from concurrent.futures import Future, InvalidStateError
from typing import Any, Final, NamedTuple, Self

from hetsched.errors import HetschedError, RunError

NEVER_NS: Final = 1 << 62


class Done(NamedTuple):
    """What a host stage gave, and when it ran by `time.perf_counter_ns`."""

    value: Any
    start_ns: int
    end_ns: int


class Job:
    """One call of a host stage.

    Args:
        key: of the stage; the same for the same stage.
        call: the stage.
        value: what it is called with.
        deadline_ns: by `time.perf_counter_ns`; who waits is served by it.
    """

    def __init__(self, key: int, call: Any, value: Any, deadline_ns: int | None) -> None:
        self.key = key
        self.call = call
        self.value = value
        self.deadline_ns = NEVER_NS if deadline_ns is None else deadline_ns
        self.future: Future[Done] = Future()
        self.has_started = False

    def is_wanted(self) -> bool:
        """Whether anybody waits for it still."""
        return not self.future.done()

    def finish(self, done: Done) -> None:
        """It gave this; nothing happens when nobody waits any more."""
        try:
            self.future.set_result(done)
        except InvalidStateError:
            return

    def fail(self, error: BaseException) -> None:
        """It failed, or nobody is to wait for it any more."""
        fail(self.future, error)


def fail(future: "Future[Any]", error: BaseException) -> None:
    """Let who waits for it hear of an error, unless it is done already."""
    try:
        future.set_exception(error)
    except InvalidStateError:
        return


class StageError(Exception):
    """What a host stage raised.

    Args:
        kind: the exception's type.
        message: the exception's.
        trace: of the process where it happened, as a note.
    """

    def __init__(self, kind: str, message: str, trace: str = "") -> None:
        super().__init__(message if kind == RunError.__name__ else f"{kind}: {message}")
        if trace:
            self.add_note(trace)

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """What a stage raised in this process."""
        kind = RunError if isinstance(error, HetschedError) else type(error)
        return cls(kind.__name__, str(error))
