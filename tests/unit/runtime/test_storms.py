"""Drops in numbers are told once."""

from hetsched.runtime.storms import MANY, QUIET_NS, SPAN_NS, Storm


def told(storm: Storm, start_ns: int, count: int, step_ns: int) -> int:
    return sum(storm.dropped(start_ns + at * step_ns) for at in range(count))


def test_many_within_the_span_are_told_once_until_it_was_quiet() -> None:
    storm = Storm()
    assert told(storm, 0, MANY - 1, 1) == 0
    assert told(storm, MANY, 200, 1) == 1
    assert told(storm, QUIET_NS // 2, 200, 1) == 0
    assert told(storm, 2 * QUIET_NS, 200, 1) == 1


def test_few_in_the_span_are_never_told() -> None:
    assert told(Storm(), 0, 1000, SPAN_NS // (MANY - 2)) == 0
