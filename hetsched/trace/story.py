"""Whether the events of each request tell its whole story, in order."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hetsched.dispatch import STATUSES, RequestStatus
from hetsched.trace.events import NONE, Kind
from hetsched.trace.model import Trace

_WITH_OUTPUTS = (RequestStatus.COMPLETED, RequestStatus.MISSED)


@dataclass(slots=True)
class _Story:
    """What has been told of a request so far."""

    app: int
    running: dict[int, int] = field(default_factory=dict)  # stage to unit
    ended: set[int] = field(default_factory=set)
    status: RequestStatus | None = None


def contradictions(trace: Trace) -> Iterator[str]:
    """What the events of single requests get wrong; nothing for a complete trace of any driver.

    A request is submitted first and once, and finishes once. Each of its stages starts, then ends
    or fails on the same unit, and starts again only when it failed or its unit went down. When it
    finishes with outputs each of its app's stages has ended once, and nothing of it follows; when
    it was dropped, cancelled or failed, what ran then still goes to its end. That is in the order
    of time. Requests that were submitted before the recording began are passed over.
    """
    stories: dict[int, _Story] = {}
    for event in trace.events[np.argsort(trace.events["time_ns"], kind="stable")]:
        kind, number = Kind(event["kind"]), int(event["request"])
        if kind == Kind.UNIT_DOWN:
            for story in stories.values():
                story.running = {s: u for s, u in story.running.items() if u != event["unit"]}
        if number == NONE:
            continue
        if kind == Kind.SUBMITTED:
            if number in stories:
                yield f"request {number} is submitted twice"
            stories[number] = _Story(int(event["app"]))
        elif number in stories and (why := _told(trace, stories[number], kind, event)):
            yield f"request {number}: {why}"


def _told(trace: Trace, story: _Story, kind: Kind, event: Any) -> str | None:
    """Take one more event of a request in; what is wrong with it."""
    stage, unit = int(event["stage"]), int(event["unit"])
    if event["app"] != story.app:
        return f"is of app {story.app}, then of app {event['app']}"
    if story.status in _WITH_OUTPUTS:
        return f"{kind.name} after it was {story.status}"
    if kind == Kind.STARTED:
        return _started(story, stage, unit)
    if kind in (Kind.ENDED, Kind.FAILED):
        return _stopped(story, kind, stage, unit)
    return _finished(trace, story, int(event["value"])) if kind == Kind.FINISHED else None


def _started(story: _Story, stage: int, unit: int) -> str | None:
    was = story.running.get(stage)
    story.running[stage] = unit
    if was is not None:
        return f"stage {stage} starts while it runs"
    return f"stage {stage} starts again after its end" if stage in story.ended else None


def _stopped(story: _Story, kind: Kind, stage: int, unit: int) -> str | None:
    was = story.running.pop(stage, None)
    if was != unit:
        return f"stage {stage} {kind.name} on unit {unit}, but runs on {was}"
    if kind == Kind.ENDED:
        story.ended.add(stage)
    return None


def _finished(trace: Trace, story: _Story, value: int) -> str | None:
    if story.status is not None:
        return f"finished twice: {story.status}, then {STATUSES[value]}"
    story.status = STATUSES[value]
    stages = len(trace.app[story.app].stages)
    if story.status in _WITH_OUTPUTS and len(story.ended) != stages:
        return f"{story.status} after {len(story.ended)} of {stages} stages"
    return None
