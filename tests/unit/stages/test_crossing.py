"""Values come out at the other end of a channel as they went in, large arrays too."""

import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from hetsched.errors import RunError
from hetsched.stages import Detection, Nms
from hetsched.stages.channel import Channel
from hetsched.stages.crossing import UnsendableError, decode, encode
from tests.unit.runtime.host_functions import Adder, Box, Pair, largest

DTYPES = ("bool", "int8", "uint16", "int64", "float16", "float32", "float64", "complex64")
ARRAYS = st.sampled_from(DTYPES).flatmap(
    lambda name: arrays(name, array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=40))
)
PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | ARRAYS
    | st.builds(Pair, st.integers(0, 9), st.text())
)
VALUES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text() | st.integers(0, 9), inner, max_size=4)
    ),
    max_leaves=10,
)


def assert_same(got: Any, want: Any) -> None:
    assert type(got) is type(want)
    if isinstance(want, np.ndarray):
        assert got.dtype == want.dtype
        assert got.flags.writeable
        np.testing.assert_array_equal(got, want)
    elif isinstance(want, dict):
        assert list(got) == list(want)
        for key, item in want.items():
            assert_same(got[key], item)
    elif isinstance(want, list | tuple):
        assert len(got) == len(want)
        for one, other in zip(got, want, strict=True):
            assert_same(one, other)
    else:
        assert got == want


@pytest.fixture
def ends() -> Iterator[tuple[Channel, Channel]]:
    one, other = socket.socketpair()
    near, far = Channel(one, 1000), Channel(other, 1000)
    yield near, far
    near.close()
    far.close()


def crossed(near: Channel, far: Channel, value: Any) -> Any:
    """A value sent there and back."""
    thread = threading.Thread(target=lambda: far.send(*far.receive()))
    thread.start()
    near.send(value)
    (got,) = near.receive()
    thread.join()
    return got


@settings(max_examples=25)
@given(VALUES)
def test_values_cross_and_come_back(value: Any) -> None:
    one, other = socket.socketpair()
    near, far = Channel(one, 1000), Channel(other, 1000)
    assert_same(crossed(near, far, value), value)
    near.close()
    far.close()


def test_memory_grows_and_is_used_again(ends: tuple[Channel, Channel]) -> None:
    rng = np.random.default_rng(0)
    for size in (2000, 10, 3_000_000, 2000, 500_000):
        value = {"a": rng.integers(0, 255, size, np.uint8), "b": [rng.random(size // 8)]}
        assert_same(crossed(*ends, value), value)


def test_no_descriptor_is_left() -> None:
    def count() -> int:
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - no paths are needed

    before = count()
    for _ in range(5):
        one, other = socket.socketpair()
        near, far = Channel(one), Channel(other)
        crossed(near, far, np.zeros(1_000_000))
        near.close()
        far.close()
    assert count() == before


def test_objects_functions_and_odd_arrays(ends: tuple[Channel, Channel]) -> None:
    box = crossed(*ends, Box((1, 2), np.ones(3)))
    assert isinstance(box, Box)
    assert box.corner == (1, 2)
    stage = Nms(labels=("a", "b"))
    assert crossed(*ends, stage) == stage
    found = Detection((0.0, 1.0, 2.0, 3.0), 1, "a", 0.5)
    assert crossed(*ends, [found]) == [found]
    assert crossed(*ends, largest) is largest
    assert crossed(*ends, np.float32(1.5)) == np.float32(1.5)
    texts = np.array([["a", "b"]], object)
    assert crossed(*ends, texts).tolist() == texts.tolist()
    brain = np.arange(5).astype(ml_dtypes.bfloat16)
    assert_same(crossed(*ends, brain), brain)
    turned = np.arange(4000.0).reshape(40, 100).T[::2]
    assert_same(crossed(*ends, turned), turned)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": [1, {2}]}, r"a builtins.set at \['a'\]\[1\] can't be sent"),
        (lambda x: x, "builtins.function|tests"),
        (Adder(1), "host_functions.Adder can't be sent"),
        (2**64, "can't be sent"),
        (np.array([1, None], object), "can't be sent"),
        (np.zeros(2, [("a", "i4")]), "dtype"),
    ],
)
def test_what_cannot_cross_is_named(value: Any, message: str) -> None:
    with pytest.raises(UnsendableError, match=message):
        encode((value,), 1000)


def test_a_value_that_holds_itself_is_refused() -> None:
    ring: list[Any] = []
    ring.append(ring)
    with pytest.raises(UnsendableError, match="recursion"):
        encode((ring,), 1000)


def test_a_place_that_is_gone_is_named() -> None:
    data, _ = encode((largest,), 1000)
    with pytest.raises(RunError, match="has no 'smaller'"):
        decode(data.replace(b"largest", b"smaller"), None)
    with pytest.raises(RunError, match=r"can't import .*ModuleNotFoundError"):
        decode(data.replace(b"tests.unit", b"tests.unlt"), None)


def test_the_other_end_may_go(ends: tuple[Channel, Channel]) -> None:
    near, far = ends
    assert not near.is_there(0)
    far.close()
    assert near.is_there(0)
    with pytest.raises(EOFError):
        near.receive()
