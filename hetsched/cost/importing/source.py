"""A measurement file's text, whatever encoding a phone's shell left it in."""

from pathlib import Path

from hetsched.cost.importing.record import Text
from hetsched.errors import CostError

MAX_BYTES = 512 * 2**20
"""A profile of that size holds half a million kernels; more is a mistake."""


def read_text(path: Path) -> Text:
    """The file's lines: UTF-8, or UTF-16 with a byte order mark (a redirection in PowerShell).

    Raises:
        CostError: when it can't be read, is empty, too large, or in another encoding.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise CostError(
                f"{path} has over {MAX_BYTES // 2**20} MiB: profile fewer runs; "
                f"nothing was imported"
            )
        raw = path.read_bytes()
    except OSError as error:
        raise CostError(f"{path} can't be read: {error.strerror}; nothing was imported") from error
    if not raw.strip():
        raise CostError(f"{path} is empty: copy the tool's output into it; nothing was imported")
    lines = [line.rstrip("\r") for line in _decode(path, raw).split("\n")]
    return Text(name=path.name, lines=lines)


def _decode(path: Path, raw: bytes) -> str:
    marked = raw.startswith((b"\xff\xfe", b"\xfe\xff"))
    encoding, word = ("utf-16", "UTF-16") if marked else ("utf-8-sig", "UTF-8")
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise CostError(
            f"{path.name}:{line}: byte 0x{raw[error.start]:02x} is no {word}: save "
            f"the file as UTF-8; nothing was imported"
        ) from error
    if "\x00" in text:
        line = text[: text.index("\x00")].count("\n") + 1
        raise CostError(
            f"{path.name}:{line}: a zero byte: this is no text, or UTF-16 without a mark; save the "
            f"file as UTF-8; nothing was imported"
        )
    return text
