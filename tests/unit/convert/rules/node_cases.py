"""ONNX's own node cases, rewritten by each rule whose op they have."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
import onnx_ir as ir
import onnx_ir.passes.common as passes
from onnx import numpy_helper, version_converter

from hetsched.backends.ort.session import ORT_ERRORS, make_session
from hetsched.convert.rewrite import OLDEST_OPSET
from hetsched.convert.rules import BY_OP
from hetsched.convert.rules.rule import Rule
from hetsched.errors import BackendError
from tests.conformance.cases import Case, DataSet
from tests.conformance.pipeline import compare
from tests.unit.convert.rules.pairs import rewritten

NEWEST_IR, NEWEST_OPSET, MIDDLE_OPSET = 13, 26, 13
"""What ONNX Runtime 1.31 takes, and an opset that old cases are raised to."""


@dataclass(slots=True)
class Counts:
    """What came of each rule.

    Attributes:
        applied: cases that a rule rewrote, and that give what they should.
        declined: cases that have its op, and that it declined: rule to reasons.
        unrun: cases rewritten that ONNX Runtime runs neither before nor after.
        wrong: case and rule to what went wrong, though ONNX Runtime passes the case itself.
    """

    applied: Counter[str] = field(default_factory=Counter)
    declined: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    unrun: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    wrong: dict[str, str] = field(default_factory=dict)


def try_case(case: Case, counts: Counts) -> None:
    """Apply every rule to every op of a case, each on its own."""
    model = _prepared(case.model)
    for index, node in enumerate(model.graph.node):
        rules = BY_OP.get(node.op_type, ()) if node.domain == "" else ()
        for rule in rules:
            _try(case, model, index, rule, counts)


def _try(case: Case, model: onnx.ModelProto, index: int, rule: Rule, counts: Counts) -> None:
    """Parameters are stored at first, as models have them, else brought at run time."""
    why = ""
    for before, data in _variants(case, model, index):
        after = rewritten(rule, before, f"n{index}")
        if isinstance(after, str):
            why = why or after
            continue
        failure = _failure(case, after, data)
        if failure is None:
            counts.applied[rule.name] += 1
        elif _failure(case, before, data) is not None:
            counts.unrun[rule.name][failure[:200]] += 1
        else:
            counts.wrong[f"{case.name} by {rule.name}"] = failure
        return
    counts.declined[rule.name][why] += 1


def _variants(
    case: Case, model: onnx.ModelProto, index: int
) -> Iterator[tuple[onnx.ModelProto, DataSet]]:
    """The case with what only its op's later inputs read stored, then as it is."""
    data = case.data_sets[0]
    first, *later = model.graph.node[index].input or [""]
    chosen = {name for name in later if name and name != first and name in case.inputs}
    if chosen and all(isinstance(value, np.ndarray) for value in data.inputs):
        yield _stored(case, model, data, chosen)
    yield model, data


def _prepared(model: onnx.ModelProto) -> onnx.ModelProto:
    """As loading would: stored values are no inputs, constants are no ops, opset 7 at least.

    Cases newer than ONNX Runtime are set back: what their op computes hasn't changed since.
    """
    made = onnx.ModelProto()
    made.CopyFrom(model)
    made.ir_version = min(made.ir_version, NEWEST_IR)
    main = next((one for one in made.opset_import if one.domain == ""), None)
    if main is not None and main.version < OLDEST_OPSET:
        made = version_converter.convert_version(made, MIDDLE_OPSET)
    elif main is not None:
        main.version = min(main.version, NEWEST_OPSET)
    graph = ir.from_proto(made)
    passes.RemoveInitializersFromInputsPass()(graph)
    if len(made.graph.node) > 1:
        passes.LiftConstantsToInitializersPass(lift_all_constants=True, size_limit=0)(graph)
    for place, node in enumerate(graph.graph):
        node.name = f"n{place}"
    return ir.to_proto(graph)


def _stored(
    case: Case, before: onnx.ModelProto, data: DataSet, chosen: set[str]
) -> tuple[onnx.ModelProto, DataSet]:
    model = onnx.ModelProto()
    model.CopyFrom(before)
    left: list[Any] = []
    for name, value in zip(case.inputs, data.inputs, strict=False):
        if name in chosen:
            model.graph.initializer.append(numpy_helper.from_array(value, name))
        else:
            left.append(value)
    kept = [value for value in model.graph.input if value.name not in chosen]
    del model.graph.input[:]
    model.graph.input.extend(kept)
    return model, DataSet(inputs=tuple(left), outputs=data.outputs)


def _failure(case: Case, model: onnx.ModelProto, data: DataSet) -> str | None:
    """Why a rewritten case doesn't give what the case expects, None when it does."""
    names = [value.name for value in model.graph.input]
    try:
        session = make_session(model.SerializeToString(), threads=1, optimize=False)
        made = session.run(None, dict(zip(names, data.inputs, strict=False)))
        compare(case, data, made)
    except BackendError as error:
        return f"it can't be loaded: {error}"
    except ORT_ERRORS as error:
        return f"it can't be run: {error}"
    except AssertionError as error:
        return str(error).strip()
    return None
