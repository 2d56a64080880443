"""Convolutions replaced by convolutions of another kernel size, fitted by least squares.

Per group, output channels are linear in the new kernel: the normal equations are summed up run by
run, in double precision, and solved once.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Protocol

import numpy as np
import onnx_ir as ir

from hetsched.convert.rules.rule import Site, static_shape, stored
from hetsched.convert.rules.tape import Tape
from hetsched.errors import ModelError

_RIDGE = 1e-7
"""Of the mean diagonal: keeps channels that are always 0 from making the equations singular."""


@dataclass(frozen=True, slots=True)
class Weights:
    """Of the new convolution: kernel (made, taken per group, taps...), bias (made)."""

    kernel: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Geometry:
    """What the new convolution has beside its weights, per spatial axis.

    Attributes:
        taps: kernel size.
        dilation: distance of taps.
        stride: of the convolution.
        before: zeros before the input.
        after: zeros after it.
        group: of channels.
    """

    taps: tuple[int, ...]
    dilation: tuple[int, ...]
    stride: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    group: int


class Kernel(Protocol):
    """A replacement for a convolution.

    Attributes:
        made: op types it makes.
    """

    made: str

    def unfitted(self, site: Site) -> Weights:
        """What of the old weights can stay."""

    def fit(self, site: Site, x: np.ndarray, y: np.ndarray) -> Weights:
        """Weights that make y (runs, ...) of x (runs, ...)."""

    def emit(self, site: Site, tape: Tape, weights: Weights) -> ir.Value:
        """Ops with the weights."""


class SmallerKernel:
    """A Conv with another kernel size in the place of a Conv."""

    def __init__(self, taps: tuple[int, ...], dilation: int) -> None:
        """The new kernel's size and dilation."""
        self._taps, self._dilation = taps, dilation
        self.made = "Conv"

    def geometry(self, site: Site) -> Geometry:
        """The same centre, stride and groups.

        Raises:
            ModelError: when the kernels have no common centre, or the pads can't make up for it.
        """
        kernel = _stored(site, 1)
        rank = kernel.ndim - 2
        if len(self._taps) != rank:
            raise ModelError(f"{site.node.name}: its kernel has {rank} axes, not {len(self._taps)}")
        if site.attribute("auto_pad", "NOTSET") not in ("NOTSET", "VALID"):
            raise ModelError(f"{site.node.name}: it has auto_pad, give the pads as numbers")
        dilation = tuple(site.attribute("dilations", [1] * rank))
        pads = site.attribute("pads", [0] * 2 * rank)
        old = [(n - 1) * d for n, d in zip(kernel.shape[2:], dilation, strict=True)]
        new = [(n - 1) * self._dilation for n in self._taps]
        spare = [a - b for a, b in zip(old, new, strict=True)]
        before = tuple(p - s // 2 for p, s in zip(pads[:rank], spare, strict=True))
        after = tuple(p - s // 2 for p, s in zip(pads[rank:], spare, strict=True))
        if any(s % 2 for s in spare) or min((*before, *after)) < 0:
            raise ModelError(
                f"{site.node.name}: a kernel of {self._taps} has no place in one of "
                f"{kernel.shape[2:]} with pads {list(pads)}"
            )
        return Geometry(
            taps=self._taps, dilation=(self._dilation,) * rank,
            stride=tuple(site.attribute("strides", [1] * rank)),
            before=before, after=after, group=site.attribute("group", 1),
        )  # fmt: skip

    def unfitted(self, site: Site) -> Weights:
        """The old kernel where the new one has taps."""
        kernel, new = _stored(site, 1), self.geometry(site)
        made = np.zeros((*kernel.shape[:2], *new.taps), kernel.dtype)
        rank = len(new.taps)
        dilation = site.attribute("dilations", [1] * rank)
        shared = [
            _shared(kernel.shape[2 + i], dilation[i], new.taps[i], new.dilation[i])
            for i in range(rank)
        ]
        for places in np.ndindex(*(len(each) for each in shared)):
            pairs = [each[place] for each, place in zip(shared, places, strict=True)]
            olds, news = (tuple(pair[side] for pair in pairs) for side in (0, 1))
            made[(..., *news)] = kernel[(..., *olds)]
        return Weights(made, _bias(site, kernel.shape[0], kernel.dtype))

    def fit(self, site: Site, x: np.ndarray, y: np.ndarray) -> Weights:
        """Least squares from inputs (runs, N, C, ...) and wanted outputs (runs, N, O, ...)."""
        return _least_squares(self.geometry(site), x, y, _stored(site, 1).dtype)

    def emit(self, site: Site, tape: Tape, weights: Weights) -> ir.Value:
        """The convolution."""
        return _convolution(tape, site.input(0), self.geometry(site), weights)


def _shared(size: int, dilation: int, taps: int, spread: int) -> list[tuple[int, int]]:
    """Old and new taps at the same place; places count from the common centre, in halves."""
    old = {(2 * i - size + 1) * dilation: i for i in range(size)}
    new = {(2 * i - taps + 1) * spread: i for i in range(taps)}
    return [(old[place], new[place]) for place in new if place in old]


class Phases:
    """A ConvTranspose as a Conv that makes all phases of its stride, then a shuffle.

    The paper's figure 2: Conv, Reshape, Transpose, Reshape.
    """

    def __init__(self, taps: tuple[int, ...]) -> None:
        """The new kernel's size: odd, since the input's place is its centre."""
        self._taps = taps
        self.made = "Conv, Reshape, Transpose, Reshape"

    def geometry(self, site: Site) -> Geometry:
        """Stride 1, the output as large as the input.

        Raises:
            ModelError: when the output isn't stride times as large as the input.
        """
        rank, strides = self._strides(site)
        shape, out = static_shape(site.input(0)), static_shape(site.output)
        if shape is None or out is None:
            raise ModelError(f"{site.node.name}: its shapes aren't known")
        wanted = tuple(n * s for n, s in zip(shape[2:], strides, strict=True))
        if len(self._taps) != rank or any(n % 2 == 0 for n in self._taps):
            raise ModelError(f"{site.node.name}: a kernel of {self._taps} has no centre there")
        if wanted != out[2:]:
            raise ModelError(
                f"{site.node.name}: it makes {out[2:]}, not stride times its input, {wanted}: "
                f"`hetsched convert` replaces it exactly"
            )
        half = tuple((n - 1) // 2 for n in self._taps)
        return Geometry(
            taps=self._taps, dilation=(1,) * rank, stride=(1,) * rank,
            before=half, after=half, group=site.attribute("group", 1),
        )  # fmt: skip

    def unfitted(self, site: Site) -> Weights:
        """The exact phases' taps, as far as the new kernel has a place for them."""
        kernel = _stored(site, 1)
        rank, strides = self._strides(site)
        group = site.attribute("group", 1)
        taken, made = kernel.shape[0] // group, kernel.shape[1]
        split = kernel.reshape(group, taken, made, *kernel.shape[2:])
        new = np.zeros((group, made, *strides, taken, *self._taps), kernel.dtype)
        for taps in np.ndindex(*kernel.shape[2:]):
            for phases in np.ndindex(*strides):
                places = [self._place(site, i, taps[i], phases[i]) for i in range(rank)]
                if all(place is not None for place in places):
                    at = (slice(None), slice(None), *phases, slice(None), *places)
                    new[at] += split[(..., *taps)].transpose(0, 2, 1)
        bias = _bias(site, made * group, kernel.dtype)
        count = group * made * prod(strides)
        return Weights(new.reshape(count, taken, *self._taps), np.repeat(bias, prod(strides)))

    def _place(self, site: Site, axis: int, tap: int, phase: int) -> int | None:
        """The new tap that an old one of a phase becomes, None where there is none."""
        rank, strides = self._strides(site)
        dilation = site.attribute("dilations", [1] * rank)[axis]
        pad = site.attribute("pads", [0] * 2 * rank)[axis]
        whole, rest = divmod(phase + pad - tap * dilation, strides[axis])
        place = whole + (self._taps[axis] - 1) // 2
        return place if rest == 0 and 0 <= place < self._taps[axis] else None

    def _strides(self, site: Site) -> tuple[int, list[int]]:
        rank = _stored(site, 1).ndim - 2
        return rank, list(site.attribute("strides", [1] * rank))

    def fit(self, site: Site, x: np.ndarray, y: np.ndarray) -> Weights:
        """Least squares for every phase."""
        rank, strides = self._strides(site)
        runs, batch, channels = y.shape[:3]
        sizes = [n // s for n, s in zip(y.shape[3:], strides, strict=True)]
        pairs = [size for pair in zip(sizes, strides, strict=True) for size in pair]
        split = y.reshape(runs, batch, channels, *pairs)
        order = [0, 1, 2, *(4 + 2 * i for i in range(rank)), *(3 + 2 * i for i in range(rank))]
        wanted = split.transpose(order).reshape(runs, batch, channels * prod(strides), *sizes)
        return _least_squares(self.geometry(site), x, wanted, _stored(site, 1).dtype)

    def emit(self, site: Site, tape: Tape, weights: Weights) -> ir.Value:
        """Conv, then the phases into their places."""
        rank, strides = self._strides(site)
        value = _convolution(tape, site.input(0), self.geometry(site), weights)
        shape = static_shape(value)
        assert shape is not None
        channels = shape[1] // prod(strides)
        split = tape.reshape(value, (shape[0], channels, *strides, *shape[2:]))
        order = [0, 1]
        for i in range(rank):
            order += [2 + rank + i, 2 + i]
        joined = (n * s for n, s in zip(shape[2:], strides, strict=True))
        turned = tape.op("Transpose", split, perm=order)
        return tape.reshape(turned, (shape[0], channels, *joined))


def _stored(site: Site, index: int) -> np.ndarray:
    found = stored(site.input(index))
    if found is None:
        raise ModelError(f"{site.node.name}: its weights are made at run time")
    return found


def _bias(site: Site, channels: int, dtype: np.dtype) -> np.ndarray:
    return np.zeros(channels, dtype) if site.optional(2) is None else _stored(site, 2)


def _convolution(tape: Tape, x: ir.Value, new: Geometry, weights: Weights) -> ir.Value:
    return tape.op(
        "Conv", x, tape.constant(weights.kernel, x), tape.constant(weights.bias, x),
        kernel_shape=list(new.taps), strides=list(new.stride), dilations=list(new.dilation),
        pads=[*new.before, *new.after], group=new.group,
    )  # fmt: skip


def _least_squares(new: Geometry, x: np.ndarray, y: np.ndarray, dtype: np.dtype) -> Weights:
    group, taken, made = new.group, x.shape[2] // new.group, y.shape[2] // new.group
    size = taken * prod(new.taps) + 1
    left, right = np.zeros((group, size, size)), np.zeros((group, size, made))
    for run, wanted in zip(x, y, strict=True):
        rows = np.moveaxis(wanted, 1, -1).reshape(-1, group, made).astype(np.float64)
        for index, columns in enumerate(_columns(new, run)):
            left[index] += columns.T @ columns
            right[index] += columns.T @ rows[:, index]
    kernels, biases = [], []
    for index in range(group):
        ridge = _RIDGE * np.trace(left[index]) / size
        found = np.linalg.solve(left[index] + ridge * np.eye(size), right[index])
        kernels.append(found[:-1].T.reshape(made, taken, *new.taps))
        biases.append(found[-1])
    return Weights(np.concatenate(kernels).astype(dtype), np.concatenate(biases).astype(dtype))


def _columns(new: Geometry, x: np.ndarray) -> Iterator[np.ndarray]:
    """Per group what each output element is a sum of: (N * outputs, taken * taps + 1)."""
    rank = len(new.taps)
    pads = [(0, 0), (0, 0), *zip(new.before, new.after, strict=True)]
    wide = np.pad(x.astype(np.float64), pads)
    spans = tuple((n - 1) * d + 1 for n, d in zip(new.taps, new.dilation, strict=True))
    axes = tuple(range(2, 2 + rank))
    windows = np.lib.stride_tricks.sliding_window_view(wide, spans, axis=axes)
    steps = (slice(None, None, s) for s in new.stride)
    taps = (slice(None, None, d) for d in new.dilation)
    chosen = windows[(slice(None), slice(None), *steps, *taps)]
    taken = x.shape[1] // new.group
    for start in range(0, x.shape[1], taken):
        part = np.moveaxis(chosen[:, start : start + taken], 1, 1 + rank)
        rows = part.reshape(-1, taken * prod(new.taps))
        yield np.concatenate([rows, np.ones((len(rows), 1))], axis=1)
