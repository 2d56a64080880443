"""Parallel parts of a graph: what lies between a fork and its join."""

from collections.abc import Iterable, Sequence

from hetsched.place.problem import Problem


def spans(problem: Problem) -> list[tuple[int | None, int | None, int]]:
    """Pairs of groups with parallel groups between them, as a bit mask: forks with their joins.

    For each group with several successors the first group that all of them lead to, for each with
    several predecessors the last one that leads to all of them; None for start and end.
    """
    before, after = closures(problem)
    found: dict[tuple[int | None, int | None], int] = {}
    everything = (1 << len(problem.groups)) - 1
    for group in range(len(problem.groups)):
        if len(problem.successors[group]) > 1:
            common = _common(after, problem.successors[group])
            join = (common & -common).bit_length() - 1 if common else None
            between = after[group] & (everything if join is None else before[join])
            found[group, join] = between
        if len(problem.predecessors[group]) > 1:
            common = _common(before, problem.predecessors[group])
            fork = common.bit_length() - 1 if common else None
            between = before[group] & (everything if fork is None else after[fork])
            found[fork, group] = between
    return [(first, last, mask) for (first, last), mask in found.items() if mask]


def _common(reach: Sequence[int], groups: Iterable[int]) -> int:
    """Groups that all of some groups reach (or are themselves)."""
    mask = -1
    for group in groups:
        mask &= reach[group] | 1 << group
    return mask


def closures(problem: Problem) -> tuple[list[int], list[int]]:
    """Per group its ancestors, and its descendants, as bit masks."""
    count = len(problem.groups)
    before, after = [0] * count, [0] * count
    for group in range(count):
        for p in problem.predecessors[group]:
            before[group] |= before[p] | 1 << p
    for group in reversed(range(count)):
        for s in problem.successors[group]:
            after[group] |= after[s] | 1 << s
    return before, after


def bits(mask: int) -> Iterable[int]:
    """The groups of a bit mask, ascending."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low
