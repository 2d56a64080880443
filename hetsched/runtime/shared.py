"""What the engine's parts share: the dispatcher, who waits for what, and one lock over it all."""

import threading
from collections.abc import Callable, Sequence

from hetsched._core import Desk
from hetsched.dispatch import STATUSES, Policy, make_dispatcher
from hetsched.errors import RunError
from hetsched.runtime.alarm import Alarm
from hetsched.runtime.faults import Faults
from hetsched.runtime.request import Request
from hetsched.runtime.seen import Seen
from hetsched.runtime.storms import Storm
from hetsched.runtime.units import RuntimeUnit
from hetsched.runtime.ward import Task, Ward


class Shared:
    """Everything but `units` and `lock` is touched under the lock only.

    Args:
        units: what there is to run on.
        policy: which ready stage a free unit takes.
        faults: how failing units are dealt with.

    Attributes:
        dispatcher: decides what runs next.
        requests: those that haven't ended, by number.
        awaited: what each unit was last told to run, until the answer: another comes too late.
        seen: counters and the trace.
        desk: what a usual request needs, natively.
        ward: what is done about faults.
        storms: drops, by app.
        asks_policy: whether a function of the user's is the policy.
        is_closing: no new requests are taken.
        on_idle: called back once when nothing runs any more.
        alarm: rings when the dispatcher asked for it. Both only while the engine is open: they
            refer back to it.
        rounds: rings when the ward must look after something.
        look_ns: when to look next at what runs; None for nobody looks.
        nobody_looks: whether what hangs would go unseen.

    Raises:
        RunError: naming a policy that doesn't exist.
    """

    def __init__(self, units: Sequence[RuntimeUnit], policy: Policy, faults: Faults) -> None:
        self.units = tuple(units)
        self.lock = threading.Lock()
        self.dispatcher = make_dispatcher(len(self.units), policy)
        self.requests: dict[int, Request] = {}
        self.awaited: list[Task | None] = [None] * len(self.units)
        self.seen = Seen([unit.name for unit in units])
        self.desk = Desk(
            self.dispatcher, self.requests, self.awaited, list(self.seen.meters), STATUSES
        )
        self.ward = Ward(
            [unit.name for unit in units],
            [hasattr(unit.backend, "kill") for unit in units],
            self.dispatcher,
            self.requests,
            faults,
        )
        self.storms: dict[str, Storm] = {}
        self.asks_policy = callable(policy)
        self.is_closing = False
        self.on_idle: Callable[[], None] | None = None
        self.alarm: Alarm | None = None
        self.rounds: Alarm | None = None
        self.look_ns: int | None = None
        self.nobody_looks = True
        self.weigh()

    def weigh(self) -> None:
        """Tell the desk whether the dispatcher alone knows what comes next."""
        ward = self.ward
        self.desk.is_plain = not (
            self.asks_policy or self.is_closing or ward.gone or ward.is_troubled
        )

    def refuse_when_closing(self) -> None:
        """Nothing new comes any more.

        Raises:
            RunError: then.
        """
        if self.is_closing:
            raise RunError("the runtime is closed: it takes no new requests or apps")
