"""One part of a model compiled by a provider into a folder: its context, and what it took.

    python -m hetsched.backends.plugins.compile FOLDER

does so in a process of its own, for compilers that may end theirs.
"""

import secrets
import signal
import subprocess
import sys
import zlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

from hetsched.backends.plugins.session import left_out, open_session
from hetsched.backends.plugins.table import PROVIDERS, Provider
from hetsched.errors import BackendError

PART_FILE = "part.onnx"
CLAIM_FILE = "claim.json"
_ORDER_FILE = "order.json"
_ERROR_FILE = "error.txt"

LIMIT_S = 900.0
"""How long a compiler in its own process may take, before it counts as hung."""


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be compiled.

    Attributes:
        provider: its name.
        threads: of a run.
        options: provider options in addition to the table's.
        ops: names of the part's ops.
        keep: save what was compiled; else only find out what would be taken.
    """

    provider: str
    threads: int
    options: dict[str, str]
    ops: tuple[str, ...]
    keep: bool


class Claim(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What came of it.

    Attributes:
        left_out: ops that the provider left to the CPU.
        context: the file to load; None where nothing was to be kept.
        files: name and CRC-32 of what was compiled.
    """

    left_out: tuple[str, ...]
    context: str | None
    files: dict[str, int]


def compile_part(provider: Provider, order: Order, folder: Path) -> Claim:
    """Compile the part in a folder; the claim is saved beside what was compiled.

    Raises:
        BackendError: when the provider fails, or its process ends or hangs.
    """
    if provider.compiles_apart:
        (folder / _ORDER_FILE).write_bytes(msgspec.json.encode(order))
        _in_child(provider, folder)
    else:
        _compile(provider, order, folder)
    return read_claim(folder, check=False)


def read_claim(folder: Path, *, check: bool = True) -> Claim:
    """Read a folder's claim.

    Args:
        folder: that `compile_part` filled.
        check: also that its files are still those.

    Raises:
        BackendError: naming the file that is missing or has changed.
    """
    path = folder / CLAIM_FILE
    try:
        claim = msgspec.json.decode(path.read_bytes(), type=Claim)
        for name, crc in claim.files.items() if check else ():
            if zlib.crc32((folder / name).read_bytes()) != crc:
                raise BackendError(f"{folder / name} has changed since it was compiled")
    except (OSError, msgspec.DecodeError) as error:
        raise BackendError(f"{path}: {error}") from error
    return claim


def _compile(provider: Provider, order: Order, folder: Path) -> None:
    # A name of its own for each time: OpenVINO remembers by path what it has read in this process.
    stem = f"context-{secrets.token_hex(8)}"
    context = f"{stem}.onnx" if order.keep else None
    config = {}
    if context is not None:
        config = {
            provider.context: "1",
            "ep.context_file_path": str(folder / context),
            "ep.context_embed_mode": "0",
        }
    source = folder / PART_FILE
    session = open_session(
        provider, source, threads=order.threads, options=order.options, config=config
    )
    missing = left_out(session, order.ops)
    del session
    made = sorted(path for path in folder.iterdir() if path.name.startswith(stem))
    files = {path.name: zlib.crc32(path.read_bytes()) for path in made}
    claim = Claim(left_out=missing, context=context if context in files else None, files=files)
    (folder / CLAIM_FILE).write_bytes(msgspec.json.encode(claim))


def _in_child(provider: Provider, folder: Path) -> None:
    command = [sys.executable, "-m", "hetsched.backends.plugins.compile", str(folder)]
    who = f"backend {provider.name!r}"
    try:
        done = subprocess.run(command, capture_output=True, check=False, timeout=LIMIT_S)
    except subprocess.TimeoutExpired as error:
        raise BackendError(f"{who}: its compiler was stopped after {LIMIT_S:g} s") from error
    if done.returncode < 0:
        raise BackendError(f"{who}: its compiler died of {signal.Signals(-done.returncode).name}")
    if done.returncode:
        try:
            why = (folder / _ERROR_FILE).read_text()
        except OSError:
            lines = done.stderr.decode(errors="replace").strip().splitlines()
            why = f"{who}: its compiler ended with {done.returncode}: {(lines or ['no word'])[-1]}"
        raise BackendError(why)


def main(arguments: Sequence[str]) -> int:
    """Compile what a folder's order says; why that failed is written there."""
    folder = Path(arguments[0])
    order = msgspec.json.decode((folder / _ORDER_FILE).read_bytes(), type=Order)
    try:
        _compile(PROVIDERS[order.provider], order, folder)
    except BackendError as error:
        (folder / _ERROR_FILE).write_text(str(error))
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
