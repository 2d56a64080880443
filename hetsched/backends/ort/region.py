"""Regions: stages that ONNX Runtime optimises together before they are cut apart."""

import logging
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hetsched.backends.base import StageSpec
from hetsched.backends.ort.assign import Order, assign, respects
from hetsched.backends.ort.cache import Cache
from hetsched.backends.ort.cut import Cut, write_pieces
from hetsched.backends.ort.optimize import (
    MODEL_FILE,
    WEIGHTS_FILE,
    Ports,
    optimize_region,
    read_ports,
)
from hetsched.backends.ort.record import Record, read_record, write_record
from hetsched.backends.ort.refusal import refusal
from hetsched.errors import BackendError, ModelError
from hetsched.ir.graph import Graph
from hetsched.ir.model import Model
from hetsched.ir.parts import NodeFile, read_nodes

MAX_ATTEMPTS = 8
"""How often a region is optimised anew with more tensors declared before its stages are compiled
one by one. Two attempts are usual: the first one shows what is fused across a boundary."""

MERGER = "CommonSubexpressionElimination"
"""The optimiser that makes one op of equal ops of two stages, of which neither waits for the other.

It is left out where it has done so."""

_log = logging.getLogger(__name__)


class UncutError(Exception):
    """A region can't be cut after optimising; its stages must be compiled one by one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiler:
    """What compiling regions of one model needs.

    Attributes:
        model: the model.
        stages: all stages of the backend.
        waiting: their order among all ops.
        threads: of the sessions.
        cache: where compiled regions are kept.
    """

    model: Model
    stages: Sequence[StageSpec]
    waiting: Order
    threads: int
    cache: Cache

    def compile(self, region: Sequence[int]) -> tuple[Path, Record]:
        """Compile some stages together, or find them compiled.

        Args:
            region: indices of stages, ascending.

        Returns:
            The folder with the parts, and its record; makers are positions in `region`.

        Raises:
            BackendError: when ONNX Runtime refuses an op.
            UncutError: when the region must be taken apart.
        """
        specs = [(self.stages[i].ops, self.stages[i].outputs) for i in region]
        key = [self.model.prepared_sha256, self.threads, specs]
        folder = self.cache.get("parts", key, lambda path: self._fill(region, path))
        try:
            return folder, read_record(folder)
        except BackendError as error:
            _log.warning("%s: compiling again", error)
            self.cache.drop(folder)
        folder = self.cache.get("parts", key, lambda path: self._fill(region, path))
        return folder, read_record(folder)

    def _fill(self, region: Sequence[int], folder: Path) -> None:
        wanted = wanted_outside(self.model.graph, [self.stages[i] for i in region])
        position = {stage: index for index, stage in enumerate(region)}
        stage_of_op = {
            op: position[stage]
            for op, stage in self.waiting.stage_of_op.items()
            if stage in position
        }
        declared = dict.fromkeys(name for row in wanted for name in row)
        without: tuple[str, ...] = ()
        for attempt in range(MAX_ATTEMPTS):
            source, ports, file = self._optimized(region, tuple(declared), without)
            found = assign(self.model.graph, file.nodes, stage_of_op, declared)
            cut = Cut(file=file, stage_of_node=found.stage_of_node, wanted=wanted)
            done = not found.protect and self._is_right(cut, region)
            if done:
                self._write(cut, ports, source, folder)
            if attempt:  # with these tensors declared the region is good for this cut only
                self.cache.drop(source)
            if done:
                return
            if not found.protect and without:
                raise UncutError("its stages came to read what they don't wait for")
            without = without if found.protect else (MERGER,)
            declared.update(dict.fromkeys(found.protect))
        raise UncutError("what is fused across its stages keeps changing")

    def _is_right(self, cut: Cut, region: Sequence[int]) -> bool:
        stages = [region[stage] for stage in cut.stage_of_node]
        nodes = cut.file.nodes
        return cut.makes_wanted() and respects(self.model.graph, nodes, stages, self.waiting)

    def _write(self, cut: Cut, ports: Ports, source: Path, folder: Path) -> None:
        weights = source / WEIGHTS_FILE
        if weights.exists():
            # ONNX Runtime refuses a body's weights from a file that is linked twice.
            take = shutil.copy if cut.file.has_bodies else os.link
            take(weights, folder / WEIGHTS_FILE)
        files = write_pieces(self.model.graph, cut, ports, folder, self.threads)
        tensors = frozenset(self.model.graph.tensors)
        write_record(cut, tensors, files, WEIGHTS_FILE, folder)

    def _optimized(
        self, region: Sequence[int], outputs: tuple[str, ...], without: tuple[str, ...]
    ) -> tuple[Path, Ports, NodeFile]:
        chosen = {name for index in region for name in self.stages[index].ops}
        ops = [op.name for op in self.model.graph.ops if op.name in chosen]
        return optimized(self.model, ops, outputs, self.threads, self.cache, without)


def optimized(
    model: Model,
    ops: Sequence[str],
    outputs: Sequence[str],
    threads: int,
    cache: Cache,
    without: Sequence[str] = (),
) -> tuple[Path, Ports, NodeFile]:
    """Optimise some ops of a model, or find them optimised.

    Returns:
        The folder, the region's ports, and its nodes.

    Raises:
        BackendError: when ONNX Runtime refuses an op.
    """

    def fill(path: Path) -> None:
        try:
            optimize_region(model, ops, outputs, threads, path, without)
        except BackendError as error:
            raise refusal(model, ops, error) from error

    key = [model.prepared_sha256, threads, list(ops), list(outputs), list(without)]
    folder = cache.get("region", key, fill)
    try:
        return folder, read_ports(folder), read_nodes(folder / MODEL_FILE)
    except (BackendError, ModelError) as error:
        _log.warning("%s: optimising again", error)
        cache.drop(folder)
    folder = cache.get("region", key, fill)
    return folder, read_ports(folder), read_nodes(folder / MODEL_FILE)


def regions(graph: Graph, stages: Sequence[StageSpec]) -> list[list[int]]:
    """Stages that hand values to each other directly, ascending; each stage in one region."""
    home = list(range(len(stages)))

    def root(stage: int) -> int:
        while home[stage] != stage:
            stage = home[stage]
        return stage

    stage_of_op = {name: index for index, stage in enumerate(stages) for name in stage.ops}
    for op in graph.ops:
        for name in op.reads:
            maker = graph.producer.get(name)
            if op.name in stage_of_op and maker is not None and maker.name in stage_of_op:
                one, other = root(stage_of_op[op.name]), root(stage_of_op[maker.name])
                home[max(one, other)] = min(one, other)
    found: dict[int, list[int]] = {}
    for stage in range(len(stages)):
        found.setdefault(root(stage), []).append(stage)
    return list(found.values())


def wanted_outside(graph: Graph, stages: Sequence[StageSpec]) -> list[tuple[str, ...]]:
    """Per stage, those of its outputs that the caller or stages other than these need."""
    inside = {name for stage in stages for name in stage.ops}
    asked = set(graph.outputs)
    return [
        tuple(
            name
            for name in stage.outputs
            if name in asked
            or not graph.consumers.get(name)
            or any(op.name not in inside for op in graph.consumers[name])
        )
        for stage in stages
    ]
