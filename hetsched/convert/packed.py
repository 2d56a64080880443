"""A split model whose main part has one output: packing and unpacking as ops of the model."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import onnx_ir as ir
import onnx_ir.passes.common as passes

from hetsched.convert.packing import FORMS, Form, Packing, Segment, packing
from hetsched.convert.rules.tape import Tape
from hetsched.convert.tail import Split, split_at
from hetsched.convert.target import Target
from hetsched.errors import ModelError
from hetsched.ir.build import build_graph
from hetsched.ir.digest import prepared_sha256
from hetsched.ir.model import Model

_SLICE_INPUTS = 10
"""Starts and ends became inputs. Source: Slice-10 of ONNX."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A model that packs its main part's outputs and unpacks them in its tail.

    Attributes:
        model: the whole model; it computes what the original computes, bit by bit.
        parts: the main part ends with the ops that pack, the tail starts with those that unpack.
        layout: of the packed tensor, the main part's only output.
    """

    model: Model
    parts: Split
    layout: Packing


def one_output(model: Model, parts: Split, target: Target | None = None) -> Packed | None:
    """Pack the main part's outputs in the first form that the target runs.

    An output that no common dtype holds exactly is made by the host instead, where its op is cheap.

    Args:
        model: split by `parts`.
        parts: see `hetsched.convert.tail.split`.
        target: has to run the ops that pack; None asks nobody.

    Returns:
        None when the main part has one output at most: there is nothing to pack.

    Raises:
        ModelError: when no form works, with each form's reason.
    """
    parts = _packable(model, parts)
    if len(parts.main_outputs) <= 1:
        return None
    reasons = []
    for form in FORMS:
        try:
            found = pack_outputs(model, parts, form)
        except ModelError as error:
            reasons.append(f"{form}: {error}")
            continue
        refused = _refused(found, parts, target)
        if refused is None:
            return found
        reasons.append(f"{form}: {refused}")
    raise ModelError(
        f"{len(parts.main_outputs)} outputs can't be packed into one: {'; '.join(reasons)}"
    )


def pack_outputs(model: Model, parts: Split, form: Form) -> Packed:
    """Pack the main part's outputs in one form.

    Raises:
        ModelError: naming an output that can't be packed so, and why.
    """
    name = _free("packed", model.graph.tensors.keys())
    layout = packing(model.graph, parts.main_outputs, form, name)
    onnx = model.onnx().clone()
    added = _Editor(onnx, layout).edit(frozenset(parts.tail))
    graph = build_graph(onnx)
    changed = replace(
        model, graph=graph, prepared_sha256=prepared_sha256(onnx, graph), onnx=lambda: onnx
    )
    tail = {*parts.tail, *added}
    return Packed(
        model=changed,
        parts=split_at(graph, head=set(parts.head), tail=tail, blocked=parts.middle),
        layout=layout,
    )


def _packable(model: Model, parts: Split) -> Split:
    """Let the host make what no packed tensor can hold beside the others."""
    graph = model.graph
    while len(parts.main_outputs) > 1:
        try:
            packing(graph, parts.main_outputs, "flat")
        except ModelError:
            floats = [n for n in parts.main_outputs if "float" in (graph.tensors[n].dtype or "")]
            odd = [n for n in parts.main_outputs if n not in floats]
            makers = {graph.producer[name].name for name in odd}
            if not floats or not makers or _multiplies(model, makers):
                return parts
            tail = {*parts.tail, *makers}
            parts = split_at(graph, head=set(parts.head), tail=tail, blocked=parts.middle)
            continue
        break
    return parts


def _multiplies(model: Model, ops: set[str]) -> bool:
    moved = split_at(model.graph, tail=ops)
    return moved.host_macs > 0


def _refused(found: Packed, before: Split, target: Target | None) -> str | None:
    """Why the target doesn't run the ops that pack, None when it does."""
    if target is None:
        return None
    known = set(before.main)
    blocked = target.blocked(found.model.graph)
    return next(
        (blocked[name] for name in found.parts.main if name not in known and name in blocked), None
    )


class _Editor:
    """Puts the ops that pack and unpack into a graph."""

    def __init__(self, onnx: ir.Model, layout: Packing) -> None:
        self._onnx = onnx
        self._layout = layout
        self._opset = onnx.opset_imports.get("", 0)
        values = [value for node in onnx.graph for value in node.outputs]
        self._values = {value.name: value for value in values if value.name}
        self._names = {node.name or "" for node in onnx.graph} | self._values.keys()
        self._names |= set(onnx.graph.initializers) | {v.name or "" for v in onnx.graph.inputs}

    def edit(self, tail: frozenset[str]) -> tuple[str, ...]:
        """Add the ops; names of those that unpack."""
        packing_ = Tape(self._opset, self._fresh)
        parts = [self._packed(packing_, segment) for segment in self._layout.segments]
        whole = packing_.op("Concat", *parts, axis=1)
        whole.name = self._layout.tensor
        unpacking = Tape(self._opset, self._fresh)
        for segment in self._layout.segments:
            made = self._unpacked(unpacking, whole, segment)
            self._hand_over(self._values[segment.name], made, tail)
        self._add(packing_, unpacking)
        return tuple(node.name or "" for node in unpacking.nodes)

    def _packed(self, tape: Tape, segment: Segment) -> ir.Value:
        value = self._values[segment.name]
        if segment.dtype != self._layout.dtype:
            value = tape.op("Cast", value, to=_number(self._layout.dtype))
        if self._layout.form == "channels":
            return value
        size = segment.stop - segment.start
        return tape.reshape(value, (1, size, *self._layout.shape[2:]))

    def _unpacked(self, tape: Tape, whole: ir.Value, segment: Segment) -> ir.Value:
        if self._opset < _SLICE_INPUTS:
            bounds = {"starts": [segment.start], "ends": [segment.stop], "axes": [1]}
            value = tape.op("Slice", whole, **bounds)
        else:
            start, stop, axis = (tape.integers(n) for n in (segment.start, segment.stop, 1))
            value = tape.op("Slice", whole, start, stop, axis)
        if self._layout.form != "channels":
            value = tape.reshape(value, segment.shape)
        if segment.dtype != self._layout.dtype:
            value = tape.op("Cast", value, to=_number(segment.dtype))
        return value

    def _hand_over(self, old: ir.Value, new: ir.Value, tail: frozenset[str]) -> None:
        """What the tail and the caller read is the unpacked value from now on."""
        for use in list(old.uses()):
            if use.node.name in tail:
                use.node.replace_input_with(use.idx, new)
        outputs = self._onnx.graph.outputs
        name = old.name or ""
        if not old.is_graph_output():
            new.name = self._fresh(f"{name}/unpacked")
            return
        for at, output in enumerate(outputs):
            if output is old:
                outputs[at] = new
        old.name = self._fresh(f"{name}/main")
        new.name = name

    def _add(self, *tapes: Tape) -> None:
        graph = self._onnx.graph
        for tape in tapes:
            for constant in tape.constants:
                graph.initializers.add(constant)
            graph.extend(tape.nodes)
        passes.TopologicalSortPass()(self._onnx)

    def _fresh(self, wanted: str) -> str:
        name = _free(f"host/{wanted}" if "/" not in wanted else wanted, self._names)
        self._names.add(name)
        return name


def _number(dtype: str) -> int:
    """ONNX's number of a dtype."""
    names = {"float64": "DOUBLE", "float32": "FLOAT"}
    return int(ir.DataType[names.get(dtype, dtype.upper())])


def _free(wanted: str, taken: Collection[str]) -> str:
    name, number = wanted, 1
    while name in taken:
        name, number = f"{wanted}_{number}", number + 1
    return name
