"""Blocks never overlap, and what is given back is used again."""

from hypothesis import given
from hypothesis import strategies as st

from hetsched.backends.isolated.blocks import ALIGN_BYTES, Blocks

STEPS = st.lists(st.tuples(st.booleans(), st.integers(0, 2000)), max_size=60)


@given(STEPS)
def test_taken_blocks_never_overlap(steps: list[tuple[bool, int]]) -> None:
    blocks = Blocks()
    taken: dict[int, int] = {}
    for take, number in steps:
        if take:
            offset = blocks.take(number)
            assert offset % ALIGN_BYTES == 0
            assert offset + number <= blocks.size
            for other, length in taken.items():
                # A block of nothing takes place too: its offset is its name.
                assert offset + max(number, 1) <= other or other + max(length, 1) <= offset
            taken[offset] = number
        elif taken:
            offset = sorted(taken)[number % len(taken)]
            blocks.free(offset)
            del taken[offset]
    for offset in list(taken):
        blocks.free(offset)
    size = blocks.size
    assert blocks.take(size) == 0, "all of it is one gap again"
    assert blocks.size == max(size, ALIGN_BYTES)


def test_a_gap_at_the_end_grows_with_the_arena() -> None:
    blocks = Blocks()
    first = blocks.take(64)
    second = blocks.take(64)
    blocks.free(second)
    assert blocks.take(640) == 64
    assert blocks.size == 704
    blocks.free(first)
    assert blocks.take(1) == 0


def test_steady_requests_need_no_more_room() -> None:
    blocks = Blocks()
    for _ in range(100):
        offsets = [blocks.take(n) for n in (1000, 64, 3_000_000)]
        for offset in offsets:
            blocks.free(offset)
    assert blocks.size == 1024 + 64 + 3_000_000  # 3,000,000 is a multiple of 64
