"""One measured time out of a file, before anybody knows which ops of which model it is about."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn, TypeAlias

from hetsched.errors import CostError

Scope: TypeAlias = Literal["op", "model"]
Shape: TypeAlias = tuple[int, ...]

UNKNOWN_SPREAD = 0.15
"""Error band of a time that comes without any spread: either way.

Source: tuned CPU frameworks agree on the same network and core within 10 to 15%, and the same core
in five SoCs follows its clock within 15% (published tables of ncnn, TNN, MNN, Paddle-Lite, bolt).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedCost:
    """One row of a file.

    Attributes:
        at: file and line (or event), for messages.
        scope: `op` for a kernel, `model` for a whole network.
        name: of the op, the tensor it makes, or the network, as in the file.
        kind: the kernel's type in the tool's words, `CONV_2D`; empty where it says none.
        unit: of the profile.
        dtype: arithmetic dtype, None where neither the file nor the caller says.
        threads: None where neither the file nor the caller says.
        framework: what ran it: `onnxruntime`, `tflite`, `ncnn`, `mnn`, or as in a CSV.
        backend: of that framework, as far as the file says: `cpu`, `nnapi`, `vulkan`.
        latency_ns: of one inference.
        low_ns: lower end of what was seen, or of the band assumed for a time without spread.
        high_ns: upper end.
        runs: how many runs are behind it; 0 where the file doesn't say.
        date: of the measurement, ISO 8601; empty where the file doesn't say.
        input_shape: of a network, `1x3x224x224`; empty where the file doesn't say.
        outputs: shapes that the kernel made; None where the file doesn't say.
        tick_ns: how far the tool rounds times.
    """

    at: str
    scope: Scope
    name: str
    kind: str = ""
    unit: str
    dtype: str | None
    threads: int | None
    framework: str
    backend: str = ""
    latency_ns: int
    low_ns: int
    high_ns: int
    runs: int = 0
    date: str = ""
    input_shape: str = ""
    outputs: tuple[Shape, ...] | None = None
    tick_ns: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the caller says about a file, beside its path.

    Attributes:
        unit: of the profile.
        dtype: None to take what the file says.
        threads: None to take what the file says.
        only: keep the rows of this provider or delegate; None where the file has only one.
    """

    unit: str
    dtype: str | None
    threads: int | None
    only: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A file's text by lines.

    Attributes:
        name: for messages.
        lines: without their ends.
    """

    name: str
    lines: Sequence[str]

    def refuse(self, line: int, what: str) -> NoReturn:
        """Raise an error about a line, counted from 1.

        Raises:
            CostError: always.
        """
        raise CostError(f"{self.name}:{line}: {what}; nothing was imported")


def spread(latency_ns: int) -> tuple[int, int]:
    """Both ends of the band of a time that comes without one."""
    return round(latency_ns * (1 - UNKNOWN_SPREAD)), round(latency_ns * (1 + UNKNOWN_SPREAD))


def same_threads(text: Text, line: int, found: int | None, wanted: Wanted) -> int | None:
    """The thread count that file and caller agree on.

    Raises:
        CostError: when they don't.
    """
    if found is not None and wanted.threads is not None and found != wanted.threads:
        text.refuse(
            line,
            f"threads {found} in the file, but --threads {wanted.threads}: drop the option, or "
            f"give the file that was measured with {wanted.threads}",
        )
    return wanted.threads if found is None else found
