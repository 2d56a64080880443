"""One end of a connection between two processes: messages through a socket, large arrays beside it.

Each end owns a piece of memory that it writes and the other end reads; a new one is sent as a file
descriptor when the old one is too small. An end writes again only after the other one has
answered, and who reads copies, so that nothing is overwritten while it is read.
"""

import mmap
import os
import select
import socket
import struct
from typing import Any, Final

from hetsched.stages.crossing import copy_in, decode, encode, size_of

SHARED_FROM_BYTES: Final = 32 * 1024
"""Arrays of this size or more go through shared memory.

Source: `benchmarks/host_stages.py --crossing` on a 2-core x86 machine: from there on the socket was
slower, at 64 KiB by 2.4 times, at 1 MiB by 25 times.
"""

_HEADER: Final = struct.Struct("<QQ")
"""Bytes of the message; bytes of shared memory that come with it (0: those that are there)."""

_PAGE_BYTES: Final = 1 << 16


class Channel:
    """One end.

    Args:
        end: a connected Unix stream socket; closed with the channel.
        shared_from_bytes: size from which arrays go through shared memory.
    """

    def __init__(self, end: socket.socket, shared_from_bytes: int = SHARED_FROM_BYTES) -> None:
        self._end = end
        self._shared_from_bytes = shared_from_bytes
        self._poll = select.poll()
        self._poll.register(end, select.POLLIN)
        self._mine: mmap.mmap | None = None
        self._theirs: mmap.mmap | None = None

    def send(self, *values: Any) -> None:
        """Send a message of some values.

        Raises:
            UnsendableError: naming what in it can't be sent; nothing was sent then.
            OSError: when the other end is gone.
        """
        data, placed = encode(values, self._shared_from_bytes)
        new = self._grow(size_of(placed))
        if placed:
            assert self._mine is not None
            copy_in(placed, memoryview(self._mine))
        if new is None:
            self._end.sendall(_HEADER.pack(len(data), 0) + data)
            return
        assert self._mine is not None
        try:
            socket.send_fds(self._end, [_HEADER.pack(len(data), len(self._mine))], [new])
        finally:
            os.close(new)
        self._end.sendall(data)

    def is_there(self, timeout_s: float) -> bool:
        """Whether a message, or the connection's end, comes within that time."""
        return bool(self._poll.poll(timeout_s * 1000))

    def receive(self) -> list[Any]:
        """The values of the next message.

        Raises:
            EOFError: when the other end is gone.
            RunError: naming a function or class in it that this process can't import.
        """
        try:
            header, fds, _, _ = socket.recv_fds(self._end, _HEADER.size, 1)
            while header and len(header) < _HEADER.size:
                header += bytes(self._exactly(_HEADER.size - len(header)))
            if not header:
                raise EOFError("the other end was closed")
            length, shared_bytes = _HEADER.unpack(header)
            data = self._exactly(length)
        except ConnectionError as error:
            raise EOFError(str(error)) from error
        if shared_bytes:
            self._theirs = _mapped(fds[0], shared_bytes)
        return decode(data, None if self._theirs is None else memoryview(self._theirs))

    def close(self) -> None:
        """Let go of the socket and the memory."""
        self._end.close()
        self._mine = self._theirs = None  # unmapped when no array looks at them any more

    def _grow(self, needed_bytes: int) -> int | None:
        """Descriptor of new memory, when what there is doesn't suffice."""
        have_bytes = 0 if self._mine is None else len(self._mine)
        if needed_bytes <= have_bytes:
            return None
        pages = -(-max(needed_bytes, 2 * have_bytes) // _PAGE_BYTES)
        descriptor = os.memfd_create("hetsched-stage")
        try:
            os.ftruncate(descriptor, pages * _PAGE_BYTES)
            self._mine = mmap.mmap(descriptor, pages * _PAGE_BYTES)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    def _exactly(self, count: int) -> bytearray:
        data = bytearray(count)
        view, done = memoryview(data), 0
        while done < count:
            got = self._end.recv_into(view[done:])
            if not got:
                raise EOFError("the other end was closed in the midst of a message")
            done += got
        return data


def _mapped(descriptor: int, size_bytes: int) -> mmap.mmap:
    try:
        return mmap.mmap(descriptor, size_bytes)
    finally:
        os.close(descriptor)
