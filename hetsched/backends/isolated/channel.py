"""Messages between the two sides.

A message is one packet, which arrives whole or not at all: a header with the request's number and
the body's length, and the body. A body that is too long for a packet is put into shared memory,
and the header says where.
"""

import socket
import struct
from typing import NamedTuple

import numpy as np

from hetsched.backends.isolated.arena import Arena
from hetsched.backends.isolated.values import Put
from hetsched.errors import BackendError

HEADER = struct.Struct("<IIQQ")  # mark, length, number, offset
MARK = 0x68537430

INLINE_BYTES = 32 * 1024
"""Longest body that goes along with its header; Linux takes packets of some 200 KB."""

_PACKET_BYTES = HEADER.size + INLINE_BYTES
_HERE = 2**64 - 1
_BYTE = np.dtype(np.uint8)


class GoneError(Exception):
    """The other side has ended, or can't be believed any more."""


class Message(NamedTuple):
    """What was received.

    Attributes:
        number: of the request that it is about.
        body: what it says.
        block: offset of the memory that its body was in, None when it went along.
    """

    number: int
    body: bytes
    block: int | None


class Channel:
    """One side's end."""

    def __init__(self, end: socket.socket, incoming: Arena) -> None:
        """Take over a socket of packets; `incoming` is the arena that the other side writes."""
        self._socket = end
        self._incoming = incoming

    def send(self, number: int, body: bytes, put: Put) -> None:
        """Send a message; `put` finds room for a long body.

        Raises:
            GoneError: when the other side has ended.
            BackendError: when there is no memory.
        """
        if len(body) <= INLINE_BYTES:
            data = HEADER.pack(MARK, len(body), number, _HERE) + body
        else:
            offset, arena = put(len(body))
            arena.view(offset, _BYTE, (len(body),))[...] = np.frombuffer(body, _BYTE)
            data = HEADER.pack(MARK, len(body), number, offset)
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise GoneError(str(error)) from error

    def receive(self) -> Message:
        """Wait for a message.

        Raises:
            GoneError: when the other side has ended, or sends what is no message.
        """
        try:
            data = self._socket.recv(_PACKET_BYTES)
        except OSError as error:
            raise GoneError(str(error)) from error
        if not data:
            raise GoneError("it ended")
        if len(data) < HEADER.size:
            raise GoneError(f"it sent {len(data)} bytes, less than a header")
        mark, length, number, offset = HEADER.unpack_from(data)
        if mark != MARK:
            raise GoneError("it sent something without the mark of a message")
        if offset != _HERE:
            return Message(number, self._elsewhere(offset, length), offset)
        if len(data) != HEADER.size + length:
            found = len(data) - HEADER.size
            raise GoneError(f"it sent {found} bytes where it announced {length}")
        return Message(number, data[HEADER.size :], None)

    def _elsewhere(self, offset: int, length: int) -> bytes:
        try:
            self._incoming.reach(offset + length)
        except BackendError as error:
            raise GoneError(str(error)) from error
        return self._incoming.view(offset, _BYTE, (length,)).tobytes()

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()
