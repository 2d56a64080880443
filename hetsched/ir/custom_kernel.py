"""What an OpenCL unit needs to know of a custom op's kernel to run it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from hetsched.ir.graph import Tensor

Number: TypeAlias = int | float | tuple[int, ...] | tuple[float, ...]
"""An `int`, a `float`, or a table of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCLKernel:
    """A kernel for one run of a custom op with one output.

    The kernel's arguments are, in this order:

    1. `global const T *`, one per input of the op, dense, the last axis fastest;
    2. `global T *`, the output, likewise;
    3. what `numbers` gives: `const int`, `const float`, or `constant int *`, `constant float *`;
    4. `const int count`: how many work items have something to do.

    It is run in one dimension, on `count` items rounded up to whole work groups: an item whose
    `get_global_id(0)` isn't below `count` must return before it reads or writes. It is also run
    with a count of 0. No output may be read before it is written.

    Attributes:
        source: OpenCL C 1.2.
        name: of the kernel function in it.
        numbers: what goes between the output and the count, from inputs and attributes; an
            attribute that the model leaves out isn't there.
        items: the count, from inputs and attributes; the output's elements by default.
        dtypes: of the inputs and then the output; all float32 by default.
    """

    source: str
    name: str
    numbers: Callable[[Sequence[Tensor], Mapping[str, Any]], Sequence[Number]] | None = None
    items: Callable[[Sequence[Tensor], Mapping[str, Any]], int] | None = None
    dtypes: tuple[str, ...] | None = None
