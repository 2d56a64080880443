"""A deployed plan, as its requests need it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy import ndarray

from hetsched._core import Account, Glance
from hetsched.ir.graph import Graph
from hetsched.runtime.entry import Entry
from hetsched.runtime.learning import Learned
from hetsched.runtime.steps import Step
from hetsched.runtime.tally import Tally
from hetsched.runtime.watch import Watchdog
from hetsched.runtime.wiring import Wired

if TYPE_CHECKING:
    from hetsched.runtime.host_stage import HostStage


@dataclass(frozen=True, slots=True, kw_only=True)
class Blank:
    """How a program's requests begin.

    Attributes:
        inputs: names, in the order of their slots, which are the first ones.
        empty: the other slots.
        readers: per slot, how many stages read it.
        are_shared: whether several stages read one of them.
        times: per stage: it hasn't run.
        gives_all: whether what the only stage leaves is all of the outputs, in their order.
        outputs: says so of what that stage made when it is what was promised; else None.
    """

    inputs: tuple[str, ...]
    empty: tuple[None, ...]
    readers: tuple[int, ...]
    are_shared: bool
    times: tuple[tuple[int, int, int], ...]
    gives_all: bool
    outputs: Glance | None

    @classmethod
    def of(cls, wired: Wired, steps: Sequence[Step]) -> "Blank":
        """That of a wired plan."""
        inputs = tuple(sorted(wired.input_slots, key=lambda name: wired.input_slots[name]))
        left = steps[0].leaving if len(steps) == 1 else ()
        names = tuple(each.name for each in left)
        gives_all = len(steps) == 1 and names == tuple(name for name, _ in wired.output_slots)
        are_in_order = gives_all and [each.position for each in left] == [*range(steps[0].makes)]
        rows = [(each.name, each.dtype, each.shape) for each in left]
        return cls(
            inputs=inputs,
            empty=(None,) * (wired.slots - len(inputs)),
            readers=tuple(wired.readers),
            are_shared=any(step.shared for step in steps),
            times=((0, 0, -1),) * len(wired.stages),
            gives_all=gives_all,
            outputs=Glance(ndarray, rows) if are_in_order else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A deployed plan: all that a request needs to know.

    Attributes:
        app: the dispatcher's number for it.
        name: for people.
        graph: the model's.
        wired: stages and slots.
        constants: values of the model's outputs that no op makes.
        steps: per stage, what running it takes.
        unit_names: the runtime's units.
        tally: counts its requests.
        learned: what its stages really take; None where nothing depends on it.
        entry: checks a request's inputs.
        deadline_ns: of its requests, since they came; None for none.
        longest_ns: per stage, the longest that it was known to take; 0 for nothing known.
        watchdog: when one of its stages hangs.
        notes: what didn't go as planned when it was loaded.
        host_stages: ids of what the host does around the model.
        tail: what of the model itself the host's pool does, after all stages.
        account: what is counted and learnt of its requests, natively.
        blank: how a request begins.
    """

    app: int
    name: str
    graph: Graph
    wired: Wired
    constants: Mapping[str, np.ndarray]
    steps: tuple[Step, ...]
    unit_names: tuple[str, ...]
    tally: Tally
    learned: Learned | None
    entry: Entry
    longest_ns: tuple[int, ...]
    deadline_ns: int | None = None
    watchdog: Watchdog = "auto"
    notes: tuple[str, ...] = ()
    host_stages: tuple[str, ...] = ()
    tail: "HostStage | None" = None
    account: Account = field(init=False, repr=False)
    blank: Blank = field(init=False, repr=False)

    def __post_init__(self) -> None:
        deadline_ns = -1 if self.deadline_ns is None else self.deadline_ns
        account = Account(self.app, deadline_ns, self.tally, self.learned, self.longest_ns)
        object.__setattr__(self, "account", account)
        object.__setattr__(self, "blank", Blank.of(self.wired, self.steps))
