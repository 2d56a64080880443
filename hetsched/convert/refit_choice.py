"""Which replacements a target runs, for ops that no exact rule makes it run."""

from collections.abc import Mapping

from hetsched.convert.refit_forms import PREFERRED, Replacement, parse
from hetsched.convert.rules.rule import Site
from hetsched.convert.rules.tape import Tape
from hetsched.convert.target import Target
from hetsched.errors import ModelError
from hetsched.ir.build import describe_nodes
from hetsched.ir.model import Model


def choose(model: Model, target: Target) -> list[Replacement]:
    """For each op type that still blocks, the nearest replacement that the target runs.

    Raises:
        ModelError: when nothing blocks, or nothing near is known for what does.
    """
    blocked = target.blocked(model.graph)
    types = dict.fromkeys(model.graph.op[name].op_type for name in blocked)
    if not types:
        raise ModelError(f"{target.name} runs all of {model.name}, converted: nothing to refit")
    found = [each for kind in types if (each := _first(model, target, kind, blocked)) is not None]
    if not found:
        op = next(iter(blocked))
        raise ModelError(
            f"{target.name} doesn't run {model.graph.op[op].op_type} as {op}: {blocked[op]}; "
            f"nothing near is known for it: give --replace OP=OP, or retrain with another op"
        )
    return found


def _first(
    model: Model, target: Target, op_type: str, blocked: Mapping[str, str]
) -> Replacement | None:
    for by in PREFERRED.get(op_type, ()):
        replacement = parse(f"{op_type}={by}")
        nodes = [n for n in model.onnx().graph if n.name in blocked and replacement.applies(n)]
        if nodes and _runs(model, target, replacement, Site(nodes[0], _opset(model))):
            return replacement
    return None


def _opset(model: Model) -> int:
    return int(model.onnx().opset_imports.get("", 0))


def _runs(model: Model, target: Target, replacement: Replacement, site: Site) -> bool:
    """Whether the target runs all that the replacement makes."""
    counted = iter(range(10**6))
    tape = Tape(site.opset, lambda kind: f"refit {next(counted)}/{kind}")
    try:
        made = replacement.unfitted(site)(site, tape)
        graph = describe_nodes(tape.nodes, [made], {"": _opset(model)})
        return not target.blocked(graph)
    except ModelError:
        return False
    finally:
        tape.discard()
