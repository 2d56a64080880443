"""A child and all that is shared with it: one request after the other."""

import os
import socket
from collections.abc import Callable

from hetsched.backends.isolated.arena import Arena, make_file
from hetsched.backends.isolated.channel import Channel, GoneError
from hetsched.backends.isolated.frames import (
    Command,
    Done,
    NeedsFile,
    Reply,
    decode_reply,
    encode,
)
from hetsched.backends.isolated.process import Process
from hetsched.backends.isolated.status import IDLE, PHASES, Death, Status
from hetsched.backends.isolated.values import Row, View, leased, offsets

_TRIM_EVERY = 256


class Link:
    """For one caller at a time, but for `kill`.

    Attributes:
        process: the child.
        freed: blocks of the child's arena that nobody reads any more; anybody may append.
        dropped: handles of values that the child needn't keep any more; anybody may append.
        view: makes arrays of tensors that the child made.
    """

    def __init__(self) -> None:
        """Start a child; it waits for its first command.

        Raises:
            BackendError: when none can be started.
        """
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        status, given, made = (make_file(f"hetsched-{name}") for name in ("status", "in", "out"))
        self._status = Status(status)
        self._given, self._made = Arena(given), Arena(made)
        try:
            self.process = Process((theirs.fileno(), status, given, made))
        except BaseException:
            ours.close()
            self._given.close()
            self._made.close()
            raise
        finally:
            theirs.close()
            os.close(status)
        self._channel = Channel(ours, self._made)
        self._number = self._answered = 0
        self.freed: list[int] = []
        self.dropped: list[int] = []
        self.view: View = leased(self._made, self.freed)

    @property
    def phase(self) -> str:
        """What the child is doing, one of `PHASES`."""
        phase = self._status.phase
        # Its answer has come, which it may not have noted any more.
        has_answered = phase > IDLE and self._status.begun <= self._answered
        return PHASES[IDLE if has_answered else phase]

    def row(self) -> Row:
        """Room for the next command's values."""
        return Row(self._given)

    def ask(self, command: Command, row: Row, file: Callable[[], Command] | None = None) -> Reply:
        """Send a command and wait for its answer.

        Args:
            command: what to do.
            row: where its values were put.
            file: called when the child needs the model's ONNX graph.

        Raises:
            GoneError: when the child has ended, or can't be believed any more.
            BackendError: when there is no memory for the command.
        """
        self._number += 1
        if not self._number % _TRIM_EVERY:
            self.process.trim()
        self._channel.send(self._number, encode(command), row)
        while isinstance(reply := self._answer(), NeedsFile):
            if file is None:
                raise GoneError("it asked for a model in the midst of something else")
            self._channel.send(self._number, encode(file()), row)
        return reply

    def _answer(self) -> Reply:
        """The answer to the last command; those to commands that were interrupted are put away."""
        while True:
            message = self._channel.receive()
            if message.block is not None:
                self.freed.append(message.block)
            try:
                reply = decode_reply(message.body)
            except (ValueError, TypeError) as error:
                raise GoneError(f"it sent what is no answer: {error}") from error
            if message.number > self._number or message.number > self._status.completed:
                raise GoneError(
                    f"it answered request {message.number} when it had been asked "
                    f"{self._number} and had completed {self._status.completed}"
                )
            if message.number == self._number:
                if not isinstance(reply, NeedsFile):
                    self._answered = message.number
                return reply
            if isinstance(reply, Done):
                self.freed.extend(offsets(reply.values))
                self.dropped.extend(handle for handle in reply.held if handle is not None)

    def end(self) -> Death:
        """Have the child end, if it hasn't ended yet, and give everything back; how it ended."""
        self._channel.close()  # which is how it hears of it
        code = self.process.end()
        death = Death(phase=self.phase, code=code, said=self.process.said())
        self._given.close()
        self._made.close()
        self.process.close()
        return death
