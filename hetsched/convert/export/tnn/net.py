"""A part as a TNN network: layers, constants, and names that TNN's readers take."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from hetsched.convert.export.part import Part
from hetsched.convert.export.tnn.layer import Layer, RefusedError, Site
from hetsched.convert.export.tnn.layers import CONVERTERS
from hetsched.ir.graph import Graph, Op

LONGEST_NAME = 31
"""pnnx reads names into 32 bytes."""

_OTHER_DTYPES = frozenset({"ArgMax", "ArgMin", "Cast", "Gather"})
"""Ops that may make something else than float32."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Net:
    """What the two files hold.

    Attributes:
        inputs: blob, shape.
        outputs: blobs.
        layers: in the order of running.
        constants: blob to its value.
        names: tensor to blob.
    """

    inputs: tuple[tuple[str, tuple[int, ...]], ...]
    outputs: tuple[str, ...]
    layers: tuple[Layer, ...]
    constants: Mapping[str, np.ndarray]
    names: Mapping[str, str]


def refusals(graph: Graph, part: Part, read: Callable[[str], np.ndarray]) -> dict[str, str]:
    """Why ops of a part have no layer, by op name."""
    found: dict[str, str] = {}
    for name in part.ops:
        try:
            _convert(graph, graph.op[name], read)
        except RefusedError as error:
            found[name] = str(error)
    return found


def build(graph: Graph, part: Part, read: Callable[[str], np.ndarray]) -> Net:
    """The network of a part that `refusals` found nothing in."""
    sites = [_convert(graph, graph.op[name], read) for name in part.ops]
    layers = [layer for site in sites for layer in site.layers]
    stored = dict.fromkeys(name for site in sites for name in site.constants)
    blobs = [*part.inputs, *part.outputs, *stored, *(n for la in layers for n in la.outputs)]
    names = short_names(dict.fromkeys(blobs))
    renamed = short_names(layer.name for layer in layers)
    return Net(
        inputs=tuple((names[name], _shape(graph, name)) for name in part.inputs),
        outputs=tuple(names[name] for name in part.outputs),
        layers=tuple(_renamed(layer, names, renamed) for layer in layers),
        constants={names[name]: read(name) for name in stored},
        names={name: names[name] for name in (*part.inputs, *part.outputs)},
    )


def _convert(graph: Graph, op: Op, read: Callable[[str], np.ndarray]) -> Site:
    converter = CONVERTERS.get(op.op_type) if op.domain == "" else None
    if converter is None:
        raise RefusedError("TNN's writer has no layer for it")
    if op.op_type not in _OTHER_DTYPES:
        for name in op.writes:
            if graph.tensors[name].dtype != "float32":
                raise RefusedError(f"it makes {graph.tensors[name].dtype}: layers are float32")
    site = Site(op=op, graph=graph, read=read)
    converter(site)
    return site


def _shape(graph: Graph, name: str) -> tuple[int, ...]:
    return tuple(dim for dim in graph.tensors[name].shape or () if dim is not None)


def _renamed(layer: Layer, blobs: Mapping[str, str], layers: Mapping[str, str]) -> Layer:
    return replace(
        layer,
        name=layers[layer.name],
        inputs=tuple(blobs[name] for name in layer.inputs),
        outputs=tuple(blobs[name] for name in layer.outputs),
    )


def short_names(names: Iterable[str]) -> dict[str, str]:
    """Names without blanks, quotes, commas and colons, of up to 31 bytes, each once."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        if name in found:
            continue
        plain = re.sub(r"[^A-Za-z0-9_./-]", "_", name)[-LONGEST_NAME:] or "_"
        wanted, number = plain, 1
        while wanted in taken:
            number += 1
            ending = f"_{number}"
            wanted = plain[: LONGEST_NAME - len(ending)] + ending
        taken.add(wanted)
        found[name] = wanted
    return found


def layer_types(layers: Sequence[Layer]) -> set[str]:
    """Types that a network uses."""
    return {layer.type for layer in layers}
