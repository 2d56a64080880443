"""`check` against ONNX Runtime's own mobile usability checker, for NNAPI, on the zoo.

Both judge the prepared graph. The checker looks at op types and at fixed shapes; conditions on
attributes it prints as caveats that it hasn't checked. Where the two disagree is listed below,
with the reason; anything else is a failure.
"""

import re
from pathlib import Path

import onnx
import onnx_ir
import pytest
from onnxruntime.tools.mobile_helpers.usability_checker import check_nnapi_partitions

from hetsched.convert.check import check_backend
from hetsched.ir.load import load
from hetsched.zoo.catalog import names

DOC = Path(__file__).parents[2] / "docs" / "checking.md"

ONLY_CHECKER = {"silero-vad": {"Conv": 6, "Pad": 1}}
"""Model to op types that only the checker lets run. Its own table has the conditions as caveats:
2-D convolutions (these are 1-D), constant padding (this is reflected)."""

ONLY_CHECK = {"ppocr-det": {"Resize": 6}}
"""Model to op types that only hetsched lets run: the optional input `roi` is stored and has no
elements, which the checker takes for an unknown size; without its demand for fixed sizes it lets
them run."""

LARGE = ("vgg19", "zfnet512", "alexnet", "resnet50", "densenet121", "inception_v1", "inception_v2")


def compared(name: str) -> tuple[set[str], set[str], int, dict[str, str]]:
    """Ops that hetsched and the checker let run, the checker's partitions, op to op type."""
    model = load(f"zoo:{name}")
    proto = onnx.shape_inference.infer_shapes(onnx_ir.serde.serialize_model(model.onnx()))
    theirs = check_nnapi_partitions(proto, require_fixed_input_sizes=True)
    verdict = check_backend(model.graph, "onnxruntime", "nnapi")
    return (
        {op.name for op in model.graph.ops} - verdict.findings.keys(),
        {node.name for group in theirs.supported_groups for node in group},
        theirs.num_partitions,
        {op.name: op.op_type for op in model.graph.ops},
    )


def counted(found: set[str], types: dict[str, str]) -> dict[str, int]:
    kinds = [types[name] for name in found]
    return {kind: kinds.count(kind) for kind in sorted(set(kinds))}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.full if n in LARGE else ()) for n in names()]
)
def test_verdicts_agree(name: str) -> None:
    ours, theirs, partitions, types = compared(name)
    assert counted(theirs - ours, types) == ONLY_CHECKER.get(name, {})
    assert counted(ours - theirs, types) == ONLY_CHECK.get(name, {})
    both = counted(types.keys() - ours - theirs, types)
    blocks = ", ".join(f"{kind} {count}" for kind, count in both.items()) or "-"
    assert f"| {name} | {blocks} | {partitions} |" in DOC.read_text(encoding="utf-8")


def test_every_model_is_in_the_table() -> None:
    listed = re.findall(
        r"^\| ([\w-]+) \| .+ \| \d+ \|$", DOC.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(listed) == sorted(names())
