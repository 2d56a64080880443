"""Values come out of shared memory as they went in, and outlive what happens to it."""

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hetsched.backends.base import HostValue
from hetsched.backends.isolated.arena import Arena, make_file
from hetsched.backends.isolated.blocks import Blocks
from hetsched.backends.isolated.frames import Dense, Held
from hetsched.backends.isolated.values import Row, leased, offsets, read, viewed, write
from hetsched.errors import BackendError

KINDS = st.sampled_from(
    [*"?bBhHiIlLefdFD", ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.int4]
)


def through(value: HostValue) -> HostValue:
    arena = Arena(make_file("test"))
    try:
        return read(write(value, Row(arena)), viewed(arena))
    finally:
        arena.close()


def same(got: HostValue, want: HostValue) -> None:
    assert isinstance(got, np.ndarray)
    assert isinstance(want, np.ndarray)
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    assert got.tobytes() == want.tobytes()


@given(st.data())
def test_arrays_of_every_dtype(data: st.DataObject) -> None:
    shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5))
    raw = data.draw(hnp.arrays(np.int8, shape, elements=st.integers(-8, 7)))
    array = raw.astype(data.draw(KINDS))
    same(through(array), array)


def test_arrays_that_arent_in_one_piece() -> None:
    array = np.arange(24, dtype=np.float32).reshape(4, 6)
    same(through(array[::2, ::-1]), np.ascontiguousarray(array[::2, ::-1]))
    same(through(array.astype(">f4")), array)


def test_strings_sequences_and_nothing() -> None:
    words = np.array([["a", b"b\xff"], ["ü", ""]], dtype=object)
    got = through(words)
    assert isinstance(got, np.ndarray)
    assert got.tolist() == words.tolist()
    assert through(None) is None
    items = through([np.ones(3), np.zeros((0, 2), np.int64), np.array(["x"], object)])
    assert isinstance(items, list)
    assert [item.shape for item in items] == [(3,), (0, 2), (1,)]
    assert items[2].tolist() == ["x"]
    assert through([]) == []


def test_what_is_no_value_is_refused() -> None:
    with pytest.raises(BackendError, match="strings only, not int"):
        through(np.array([1, 2], dtype=object))
    with pytest.raises(BackendError, match="a value of type dict"):
        write({}, Row(Arena(make_file("test"))))  # type: ignore[arg-type]  # that is the point
    with pytest.raises(BackendError, match="value 7 is kept in the other process"):
        read(Held(7), viewed(Arena(make_file("test"))))


def test_a_tensor_beyond_the_memory_is_refused() -> None:
    arena = Arena(make_file("test"))
    arena.grow(1)
    value = Dense("float32", (arena.size // 4 + 1,), 0)
    with pytest.raises(BackendError, match=r"byte 65540 was said to be shared, but only 65536 are"):
        read(value, viewed(arena))


def test_a_leased_array_ends_once_and_outlives_growing_and_closing() -> None:
    arena, ends, blocks = Arena(make_file("test")), list[int](), Blocks()

    def room(nbytes: int) -> tuple[int, Arena]:
        offset = blocks.take(nbytes)
        arena.grow(blocks.size)
        return offset, arena

    first = write(np.arange(10), room)
    got = read(first, leased(arena, ends))
    assert isinstance(got, np.ndarray)
    write(np.zeros(10**6), room)
    part = got[2:4]
    arena.close()
    del got
    assert ends == []
    assert part.tolist() == [2, 3]
    del part
    assert ends == offsets([first]) == [0]


def test_both_sides_follow_each_others_growing() -> None:
    import os

    handle = make_file("test")
    writer, reader = Arena(handle), Arena(os.dup(handle))
    for size in (10, 100_000, 5_000_000):
        array = np.full(size, size % 251, np.uint8)
        same(read(write(array, Row(writer)), viewed(reader)), array)
    writer.close()
    reader.close()
