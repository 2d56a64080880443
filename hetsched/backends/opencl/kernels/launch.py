"""What an op becomes: launches of kernels, and outputs that are another value's memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np

Arg: TypeAlias = str | int | float | np.generic | tuple[int, ...] | tuple[float, ...]
"""A kernel's argument: a value of the graph by name, an `int`, a `float`, a number of another type,
or a table of `int` or `float` that the kernel reads."""


WIDE = 8
"""How many neighbours one item of a convolution or product makes, along the last axis."""

SHARE = 4
"""How many maps or rows it makes of each, where there are as many."""


class RefusedError(Exception):
    """Why this backend can't run an op; it never leaves the backend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """One run of a kernel.

    Attributes:
        source: file in `native/opencl`, without its suffix; of a custom op, its name.
        kernel: function in it; its last argument is the number of items, which isn't in `args`.
        items: how many work items have something to do.
        args: in the kernel's order.
        writes: the value that it writes to.
        text: what is built in place of a file, for custom ops.
    """

    source: str
    kernel: str
    items: int
    args: tuple[Arg, ...]
    writes: str
    text: str | None = None

    @property
    def reads(self) -> tuple[str, ...]:
        """The values that it only reads."""
        return tuple(arg for arg in self.args if isinstance(arg, str) and arg != self.writes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowered:
    """One op.

    Attributes:
        launches: one after the other.
        views: outputs that are an input's memory, to that input's name.
    """

    launches: tuple[Launch, ...] = ()
    views: Mapping[str, str] = field(default_factory=dict)
