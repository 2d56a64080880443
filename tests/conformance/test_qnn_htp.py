"""`check` against what QNN's HTP compiler took of the zoo, as scripts/qnn_accepts.py recorded it.

Where the two disagree is listed below, with the reason; anything else is a failure.
"""

import csv
from collections import Counter
from pathlib import Path

import pytest

from hetsched.convert.check import check_backend
from hetsched.ir.load import load
from hetsched.zoo.catalog import names

RECORD = Path(__file__).parent / "qnn_htp.csv"

ABSORBED = {"ppocr-rec": {"Transpose": 5}}
"""Model to ops that went nowhere: the provider changes the layout of what is around them, and they
cancel out."""


def recorded() -> dict[str, dict[str, tuple[int, int, str]]]:
    """Model to op type to how many there are, how many the compiler took, and its failure."""
    lines = RECORD.read_text().splitlines()
    assert lines[0].startswith("# onnxruntime-qnn 2.")
    found: dict[str, dict[str, tuple[int, int, str]]] = {}
    for row in csv.DictReader(lines[1:]):
        counts = (int(row["ops"]), int(row["taken"]), row["failed"])
        found.setdefault(row["model"], {})[row["op_type"]] = counts
    return found


def test_the_record_is_of_the_whole_zoo() -> None:
    assert set(recorded()) == set(names())


@pytest.mark.parametrize("name", names())
def test_check_promises_what_the_compiler_takes(name: str) -> None:
    graph = load(f"zoo:{name}").graph
    verdict = check_backend(graph, "onnxruntime", "qnn-htp")
    assert verdict.dtype == "float16"
    rows = recorded()[name]
    assert all(not failed for _, _, failed in rows.values())
    assert {op: ops for op, (ops, _, _) in rows.items()} == Counter(o.op_type for o in graph.ops)
    refused = {op: ops - taken for op, (ops, taken, _) in rows.items() if taken < ops}
    assert refused == ABSORBED.get(name, {})
    assert not verdict.findings
