"""What is half written, damaged or somebody else's is never taken for an answer."""

import socket
from collections.abc import Iterator

import pytest

from hetsched.backends.isolated.arena import Arena, make_file
from hetsched.backends.isolated.channel import HEADER, INLINE_BYTES, MARK, Channel, GoneError
from hetsched.backends.isolated.values import Row

HERE = 2**64 - 1


class Pair:
    def __init__(self) -> None:
        self.raw, end = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.arena = Arena(make_file("test"))
        self.channel = Channel(end, self.arena)


@pytest.fixture
def pair() -> Iterator[Pair]:
    made = Pair()
    yield made
    made.raw.close()
    made.channel.close()
    made.arena.close()


@pytest.mark.parametrize("length", [0, 1, INLINE_BYTES, INLINE_BYTES + 1, 10**6])
def test_messages_of_any_length(pair: Pair, length: int) -> None:
    body = bytes(range(256)) * (length // 256 + 1)
    other = Channel(pair.raw, pair.arena)
    other.send(7, body[:length], Row(pair.arena))
    message = pair.channel.receive()
    assert (message.number, message.body) == (7, body[:length])
    assert (message.block is None) == (length <= INLINE_BYTES)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"x", "1 bytes, less than a header"),
        (HEADER.pack(MARK, 5, 1, HERE) + b"1234", "4 bytes where it announced 5"),
        (HEADER.pack(MARK, 3, 1, HERE) + b"1234", "4 bytes where it announced 3"),
        (HEADER.pack(MARK + 1, 4, 1, HERE) + b"1234", "without the mark"),
        (HEADER.pack(MARK, 10, 1, 0), "byte 10 was said to be shared, but only 0 are"),
    ],
)
def test_damaged_messages(pair: Pair, data: bytes, says: str) -> None:
    pair.raw.send(data)
    with pytest.raises(GoneError, match=says):
        pair.channel.receive()


def test_the_other_sides_end(pair: Pair) -> None:
    pair.raw.close()
    with pytest.raises(GoneError, match="it ended"):
        pair.channel.receive()
    with pytest.raises(GoneError):
        pair.channel.send(1, b"", Row(pair.arena))
