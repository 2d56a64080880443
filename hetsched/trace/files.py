"""The file of a trace: lines of JSON, and events as they are in memory between them.

The first line is the header. Then come blocks, each of which a line opens: `{"app": {...}}` names
an app, `{"events": N, "lost": L}` is followed by N events of 40 bytes, around which L got lost, and
`{"end": M}` is the last: M events are in the file. A file without it was interrupted; what is in it
up to the last whole event is read all the same. So a recording grows as it goes, and what a crash
leaves can be read.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, NoReturn

import msgspec
import numpy as np

from hetsched.errors import OutputExistsError, TraceError
from hetsched.soc.keys import explain
from hetsched.trace.checking import wrong_event
from hetsched.trace.events import EVENT
from hetsched.trace.model import FORMAT, SCHEMA, Trace, TraceApp, TraceHeader

MAX_LINE_BYTES: Final = 1 << 24
"""A line that is longer isn't one: names of 10,000 stages take less than a hundredth of this."""


class _Block(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """The line that opens a block: has one of `app`, `events` and `end`."""

    app: TraceApp | None = None
    events: int | None = None
    lost: int = 0
    end: int | None = None


def header_line(header: TraceHeader) -> bytes:
    """What a file begins with."""
    return msgspec.json.encode(header) + b"\n"


def app_line(app: TraceApp) -> bytes:
    """An app's names; before the first of its events."""
    return msgspec.json.encode(_Block(app=app)) + b"\n"


def events_line(events: int, lost: int = 0) -> bytes:
    """Opens a block of so many events, which follow; so many got lost around them."""
    return msgspec.json.encode(_Block(events=events, lost=lost)) + b"\n"


def end_line(events: int) -> bytes:
    """What a whole file ends with: how many events it holds."""
    return msgspec.json.encode(_Block(end=events)) + b"\n"


def write_trace(trace: Trace, file: BinaryIO) -> None:
    """Write a whole trace to an open file."""
    file.write(header_line(trace.header))
    for app in trace.apps:
        file.write(app_line(app))
    file.write(events_line(len(trace.events), trace.lost))
    file.write(np.ascontiguousarray(trace.events, EVENT).data)
    if trace.is_complete:
        file.write(end_line(len(trace.events)))


def save_trace(trace: Trace, path: str | Path, *, force: bool = False) -> None:
    """Write a trace's file, whole or not at all.

    Raises:
        OutputExistsError: when the file exists and `force` isn't set.
        TraceError: when the folder can't be written to.
    """
    with new_file(Path(path), force=force) as file:
        write_trace(trace, file)


@contextmanager
def new_file(path: Path, *, force: bool) -> Iterator[BinaryIO]:
    """A file that appears when all is written.

    Raises:
        OutputExistsError: when the file exists and `force` isn't set.
        TraceError: when the folder can't be written to.
    """
    refuse_existing(path, force=force)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            yield file
        draft.replace(path)
    except OSError as error:
        raise TraceError(f"{path} can't be written: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)


def refuse_existing(path: Path, *, force: bool) -> None:
    """Don't write over what is there unless that was asked for.

    Raises:
        OutputExistsError: when the file exists and `force` isn't set.
    """
    if path.exists() and not force:
        raise OutputExistsError(f"{path} exists: give another name, or --force to replace it")


def load_trace(path: str | Path) -> Trace:
    """Read a trace's file. An interrupted recording isn't wrong: it is not `is_complete`.

    Raises:
        TraceError: naming the file and the field that is wrong.
    """
    source = Path(path)
    try:
        data = source.read_bytes()
    except OSError as error:
        raise TraceError(f"{source} can't be read: {error.strerror}") from error
    return decode_trace(data, str(source))


def decode_trace(data: bytes, name: str = "trace") -> Trace:
    """A trace from what its file holds; errors as of `load_trace`."""
    return _Reader(data, name).read()


class _Reader:
    """One pass over a file's bytes."""

    def __init__(self, data: bytes, name: str) -> None:
        self._data = data
        self._name = name
        self._at = 0
        self._apps: dict[int, TraceApp] = {}
        self._blocks: list[np.ndarray] = []
        self._lost = 0
        self._is_complete = False

    def read(self) -> Trace:
        header = self._header()
        while (line := self._next_line()) is not None:
            self._take(line)
        trace = Trace(
            header=header,
            apps=tuple(self._apps[number] for number in sorted(self._apps)),
            events=np.concatenate(self._blocks) if self._blocks else np.empty(0, EVENT),
            lost=self._lost,
            is_complete=self._is_complete,
        )
        if (why := wrong_event(trace)) is not None:
            self._refuse(why)
        return trace

    def _header(self) -> TraceHeader:
        line = self._next_line() or b""
        try:
            seen = msgspec.json.decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError):
            seen = None
        if not isinstance(seen, dict) or seen.get("format") != FORMAT:
            self._refuse(f'its first line has no "format": "{FORMAT}"')
        if seen.get("schema") != SCHEMA:
            raise TraceError(
                f"{self._name} has schema {seen.get('schema')!r}: this version reads {SCHEMA}"
            )
        try:
            return msgspec.json.decode(line, type=TraceHeader)
        except msgspec.DecodeError as error:
            self._refuse(f"header: {explain(TraceHeader, str(error))}")

    def _take(self, line: bytes) -> None:
        if self._is_complete:
            self._refuse("there is more after its end")
        block = self._block(line)
        if block.app is not None:
            if block.app.number in self._apps:
                self._refuse(f"app.number {block.app.number} is there twice")
            self._apps[block.app.number] = block.app
        elif block.events is not None:
            self._take_events(block.events, block.lost)
        else:
            there = sum(map(len, self._blocks))
            if block.end != there:
                self._refuse(f"end is {block.end}, but there are {there} events")
            self._is_complete = True

    def _block(self, line: bytes) -> _Block:
        try:
            block = msgspec.json.decode(line, type=_Block)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self._refuse(explain(_Block, str(error)))
        if [block.app, block.events, block.end].count(None) != 2:
            self._refuse(f"a block has one of app, events and end, this one is {line[:60]!r}")
        return block

    def _take_events(self, count: int, lost: int) -> None:
        if count < 0 or lost < 0:
            self._refuse(f"events is {count} and lost is {lost}: accepted are 0 and more")
        whole = min(count, (len(self._data) - self._at) // EVENT.itemsize)
        self._blocks.append(np.frombuffer(self._data, EVENT, whole, self._at))
        self._lost += lost
        # Interrupted: what is left isn't a whole event.
        self._at = len(self._data) if whole < count else self._at + whole * EVENT.itemsize

    def _next_line(self) -> bytes | None:
        """The next line without its end; None at the file's end, or where it was interrupted."""
        end = self._data.find(b"\n", self._at, self._at + MAX_LINE_BYTES)
        if end < 0:
            if len(self._data) - self._at >= MAX_LINE_BYTES:
                self._refuse(f"a line has over {MAX_LINE_BYTES} bytes")
            return None
        line, self._at = self._data[self._at : end], end + 1
        return line

    def _refuse(self, why: str) -> NoReturn:
        raise TraceError(f"{self._name} is not a trace: {why}")
