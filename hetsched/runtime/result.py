"""What a request gave, and when its stages ran."""

from dataclasses import dataclass
from typing import Any

from hetsched.dispatch import RequestStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class StageTime:
    """When a stage ran.

    Attributes:
        id: the plan's stage id.
        planned_unit: the plan's unit.
        unit: the runtime's unit that ran it.
        backend: what executed there.
        start_ns: since the request was submitted.
        end_ns: since the request was submitted.
    """

    id: str
    planned_unit: str
    unit: str
    backend: str
    start_ns: int
    end_ns: int

    @property
    def duration_ns(self) -> int:
        """From start to end."""
        return self.end_ns - self.start_ns


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a request gave.

    Attributes:
        outputs: arrays by name, in the model's order; a list for a sequence, None for an empty
            optional.
        status: `completed`, or `missed` when it ended after its deadline.
        latency_ns: from submission to the end of the last stage.
        stages: in the plan's order.
    """

    outputs: dict[str, Any]
    status: RequestStatus
    latency_ns: int
    stages: tuple[StageTime, ...]
