"""A user's tables: predicates, limits, and messages for what is wrong with a file."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hetsched.convert.capability_limits import limits_of, user_limits
from hetsched.convert.capability_predicate import predicate
from hetsched.convert.capability_rows import _added, index, table
from hetsched.convert.capability_user import use_table
from hetsched.convert.capability_view import View
from hetsched.convert.check import check_backend
from hetsched.convert.frameworks import described, find, op_rows
from hetsched.convert.target import framework_target
from hetsched.errors import CapabilityError
from hetsched.ir.graph import Graph, Op, Tensor

HEAD = "framework,backend,onnx_op,status,dtypes,constraint,source\n"


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    yield
    _added.clear()
    user_limits.clear()
    index.cache_clear()
    table.cache_clear()


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "own.csv"
    path.write_text(text)
    return path


def graph(group: int = 1) -> Graph:
    """A convolution of (1, 8, 6, 6) and a Softmax of it."""
    ops = (
        Op(name="conv", op_type="Conv", opset=17, inputs=("x", "w"), outputs=("c",),
           attributes={"group": group, "strides": (2, 2)}),
        Op(name="soft", op_type="Softmax", opset=17, inputs=("c",), outputs=("y",)),
    )  # fmt: skip
    shapes = {"x": (1, 8, 6, 6), "w": (8, 8 // group, 1, 1), "c": (1, 8, 3, 3), "y": (1, 8, 3, 3)}
    return Graph(
        ops=ops,
        tensors={n: Tensor(name=n, dtype="float32", shape=s) for n, s in shapes.items()},
        inputs=("x",),
        outputs=("y",),
        constants=frozenset({"w"}),
    )


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("rank(0) == 4", True),
        ("rank(0) in (2, 3)", False),
        ("dim(0, 1) % 4 == 0 and stored(1)", True),
        ("not stored(1) or opset < 13", False),
        ('attr("group", 1) == 1', True),
        ('attr("strides", (1, 1)) == (2, 2)', True),
        ('attr("dilations", (1, 1)) == (2, 2)', False),
        ("inputs == 2 and outputs == 1", True),
        ("dtype(0) == out_dtype(0) and out_dim(0, 2) * 2 == dim(0, 2)", True),
        ("1 <= rank(0) <= 3", False),
        ("rank(5) <= 4", False),  # there is no such input: not known, so not fulfilled
        ("dim(0, 9) == 1", False),
        ("-1 < dim(0, 2) // 2 - 1", True),
        ("shape(0) != (1, 8, 6, 7)", True),
    ],
)
def test_predicates(text: str, *, holds: bool) -> None:
    found = graph()
    reason = predicate(text)(View(graph=found, op=found.ops[0]))
    assert reason == (None if holds else f"needs {text}")


@pytest.mark.parametrize(
    "text",
    ["rank(0", "__import__('os')", "rank(0).real", "open('x')", "rank(0, 1)", "[x for x in (1,)]",
     "x", "(lambda: 1)()", "2 ** 99999"],
)  # fmt: skip
def test_what_isnt_a_predicate_is_refused(text: str) -> None:
    with pytest.raises(CapabilityError, match="constraint"):
        predicate(text)


def test_a_table_of_ones_own(tmp_path: Path) -> None:
    row = 'mynpu,core,Conv,partial,,"when: attr(""group"", 1) == 1",datasheet\n'
    path = written(tmp_path, "# closed_world: yes\n# single_output: yes\n" + HEAD + row)
    (added,) = use_table(path)
    assert (added.framework, added.backend, added.rows) == ("mynpu", "core", 1)
    verdict = check_backend(graph(), "mynpu", "core")
    assert {op: found.reason for op, found in verdict.findings.items()} == {
        "soft": "Softmax not supported"
    }
    reasons = check_backend(graph(group=8), "mynpu", "core").findings
    assert reasons["conv"].reason == 'needs attr("group", 1) == 1'
    assert framework_target("mynpu").single_output
    assert find("mynpu") == ("mynpu",)
    assert [backend.name for backend in described("mynpu")] == ["core"]
    (told,) = op_rows("mynpu", "Conv")
    assert (told.status, told.checked, told.source) == ("partial", True, "datasheet")
    assert op_rows("mynpu", "Softmax")[0].status == "refused"


def test_rows_go_before_the_packages_own(tmp_path: Path) -> None:
    before = table("mace", "apu")
    assert before.rows["Softmax"].status == "full"
    use_table(written(tmp_path, "# max_rank: 3\n" + HEAD + "mace,apu,Softmax,none,,,seen\n"))
    after = table("mace", "apu")
    assert after.rows["Softmax"].status == "none"
    assert after.rows["Conv"] == before.rows["Conv"]
    assert after.closed_world == before.closed_world
    limits = limits_of("mace", "apu")
    assert (limits.max_rank, limits.outputs, limits.static) == (3, 1, True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", r"has columns a, b: give framework, backend"),
        (HEAD, "has no rows"),
        (HEAD + "f,b,Conv,maybe,,,\n", "line 2: status 'maybe' isn't one of full, partial, none"),
        (HEAD + "f,b,Conv\n", "line 2 doesn't fit"),
        (HEAD + "f,b,Conv,full,,,\nf,b,Conv,none,,,\n", "line 3: Conv is there twice"),
        (
            HEAD + "f,b,Conv,partial,,when: rank(,\n",
            r"line 2: constraint 'rank\(' is no expression",
        ),
        ("# closed_word: yes\n" + HEAD, "line 1: did you mean 'closed_world'"),
        ("# max_rank: many\n" + HEAD, "line 1: max_rank is 'many': take a whole number"),
        ("# static: 1\n" + HEAD, "line 1: static is '1': take yes or no"),
    ],
)
def test_wrong_files_are_refused_with_the_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(CapabilityError, match=message):
        use_table(written(tmp_path, text))
    assert not _added


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(CapabilityError, match=r"no\.csv can't be read: No such file"):
        use_table(tmp_path / "no.csv")


def test_an_unknown_op_is_suggested() -> None:
    with pytest.raises(CapabilityError, match="ONNX has no op 'softmax': did you mean 'Softmax'"):
        op_rows("mace", "softmax")
