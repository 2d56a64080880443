"""Transpose of more than 4 dimensions to Reshapes and Transposes of at most 4.

Axes of size 1 don't count, and axes that stay together count as one. What still has more than 4 is
turned in several steps: each takes the axes as 4 blocks of neighbours and reorders these.

Handled: rank over 4, known shapes, any dtype; the fewest steps.
Refused: rank of at most 4, empty tensors, over 7 axes that count.
"""

from functools import cache
from itertools import combinations, pairwise, permutations
from math import prod

import onnx_ir as ir

from hetsched.convert.rules import forms
from hetsched.convert.rules.rule import Rule, Site, known_shape, static_shape
from hetsched.convert.rules.tape import Tape

_RANK = 4
_MOST = 7
_BLOCKS = tuple(order for order in permutations(range(_RANK)) if order != tuple(range(_RANK)))


def check(site: Site) -> str | None:
    """None where it applies."""
    shape = static_shape(site.input(0))
    if shape is None:
        return "its shape isn't known"
    if len(shape) <= _RANK:
        return f"it has at most {_RANK} dimensions"
    if 0 in shape:
        return "it's empty"
    return None if len(merged(shape, perm_of(site))[1]) <= _MOST else "too many axes to turn"


def perm_of(site: Site) -> tuple[int, ...]:
    """The order of axes; reversed where it's left out."""
    rank = len(known_shape(site.input(0)))
    return tuple(site.attribute("perm", list(reversed(range(rank)))))


def merged(shape: tuple[int, ...], perm: tuple[int, ...]) -> tuple[list[int], tuple[int, ...]]:
    """Sizes and order of what counts: no axes of size 1, neighbours that stay so as one."""
    kept = [axis for axis in perm if shape[axis] != 1]
    ranks = {axis: place for place, axis in enumerate(sorted(kept))}
    groups: list[list[int]] = []
    for axis in kept:
        if groups and ranks[axis] == ranks[groups[-1][-1]] + 1:
            groups[-1].append(axis)
        else:
            groups.append([axis])
    by_place = sorted(groups)
    sizes = [prod(shape[axis] for axis in group) for group in by_place]
    return sizes, tuple(by_place.index(group) for group in groups)


@cache
def steps(perm: tuple[int, ...]) -> tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]:
    """The fewest (sizes of blocks, order of blocks) that make a permutation, breadth first."""
    start = tuple(range(len(perm)))
    known: dict[tuple[int, ...], tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]] = {start: ()}
    front = [start]
    while perm not in known:
        before, front = front, []
        for state in before:
            for counts, order in _moves(len(perm)):
                made = _moved(state, counts, order)
                if made not in known:
                    known[made] = (*known[state], (counts, order))
                    front.append(made)
    return known[perm]


def _moves(rank: int) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Every way to cut the axes into at most 4 blocks, and to reorder them."""
    blocks = min(rank, _RANK)
    orders = _BLOCKS if blocks == _RANK else permutations(range(blocks))
    cuts = [(0, *cut, rank) for cut in combinations(range(1, rank), blocks - 1)]
    counts = [tuple(b - a for a, b in pairwise(cut)) for cut in cuts]
    return [(count, order) for order in orders for count in counts]


def _moved(
    state: tuple[int, ...], counts: tuple[int, ...], order: tuple[int, ...]
) -> tuple[int, ...]:
    starts = [sum(counts[:i]) for i in range(len(counts))]
    return tuple(x for i in order for x in state[starts[i] : starts[i] + counts[i]])


def rewrite(site: Site, tape: Tape) -> ir.Value:
    """Reshape, Transpose, and again as often as needed; Reshape."""
    shape, perm = known_shape(site.input(0)), perm_of(site)
    sizes, order = merged(shape, perm)
    value = site.input(0)
    for counts, blocks in steps(order):
        starts = [sum(counts[:i]) for i in range(len(counts))]
        dims = [prod(sizes[s : s + n]) for s, n in zip(starts, counts, strict=True)]
        value = forms.transpose(tape, forms.reshape(tape, value, dims), blocks)
        sizes = list(_moved(tuple(sizes), counts, blocks))
    return tape.reshape(value, [shape[axis] for axis in perm])


RULE = Rule(
    name="transpose-4d", ops=("Transpose",), makes="Reshape, Transpose of 4 dimensions, Reshape",
    exactness="exact", check=check, rewrite=rewrite,
)  # fmt: skip
