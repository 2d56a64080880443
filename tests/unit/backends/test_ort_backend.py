"""Stages on ONNX Runtime: fused first, cut afterwards."""

import logging
import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper, numpy_helper

from hetsched.backends.base import HostValue, StageSpec
from hetsched.backends.ort import OrtBackend
from hetsched.errors import BackendError
from hetsched.ir.model import Model
from tests.unit.backends.tiny import array, conv_chain, feeds, made, port, run, stages


def reference(model: Model, values: Mapping[str, HostValue]) -> list[np.ndarray]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(model.path), options, providers=["CPUExecutionProvider"])
    return list(session.run(list(model.graph.outputs), values))


def test_cut_between_fused_groups_is_bit_equal(tmp_path: Path) -> None:
    model = conv_chain(tmp_path)
    label = {
        op.name: min(int(op.name[-1]), 2) if op.name != "pool" else 2 for op in model.graph.ops
    }
    compiled = OrtBackend(cache_dir=tmp_path / "cache").compile(model, stages(model.graph, label))
    given = feeds(model)
    values = run(compiled, given)
    (wanted,) = reference(model, given)
    assert np.array_equal(array(values["y"]), wanted)
    assert wanted.std() > 0


def test_what_crosses_privately_has_a_name_of_its_own(tmp_path: Path) -> None:
    model = conv_chain(tmp_path)
    label = {op.name: int(op.name != "pool" and int(op.name[-1]) > 0) for op in model.graph.ops}
    label["pool"] = 1
    first, second = OrtBackend(cache_dir=tmp_path / "cache").compile(
        model, stages(model.graph, label)
    )
    assert first.inputs == ("x",)
    assert second.outputs == ("y",)
    # relu0's result stays in the blocked layout, under a name that says which stage made it
    assert first.outputs == second.inputs
    assert all(name.startswith("s0:") or name == "r0" for name in first.outputs)


def test_cut_inside_a_fused_group(tmp_path: Path) -> None:
    """A boundary in a fused group: the tensor there is kept, and belongs to the right stage."""
    model = conv_chain(tmp_path)
    label = {
        op.name: int(op.name in ("relu1", "conv2", "bn2", "relu2", "pool"))
        for op in model.graph.ops
    }
    compiled = OrtBackend(cache_dir=tmp_path / "cache").compile(model, stages(model.graph, label))
    given = feeds(model)
    values = run(compiled, given)
    (wanted,) = reference(model, given)
    np.testing.assert_allclose(array(values["y"]), wanted, rtol=1e-5)


def test_every_op_alone(tmp_path: Path) -> None:
    model = conv_chain(tmp_path)
    label = {op.name: index for index, op in enumerate(model.graph.ops)}
    compiled = OrtBackend(cache_dir=tmp_path / "cache").compile(model, stages(model.graph, label))
    assert len(compiled) == len(model.graph.ops)
    given = feeds(model)
    (wanted,) = reference(model, given)
    np.testing.assert_allclose(array(run(compiled, given)["y"]), wanted, rtol=1e-5)


def test_a_stage_elsewhere_in_between(tmp_path: Path) -> None:
    """What another backend reads or makes keeps the model's name and is plain."""
    model = conv_chain(tmp_path)
    middle = ("conv1", "bn1", "relu1")
    label = {op.name: 1 if op.name in middle else 2 for op in model.graph.ops}
    label.update(dict.fromkeys(("conv0", "bn0", "relu0"), 0))
    first, other, last = stages(model.graph, label)
    here = OrtBackend(cache_dir=tmp_path / "here").compile(model, [first, last])
    there = OrtBackend(cache_dir=tmp_path / "there").compile(model, [other])
    assert here[0].outputs == ("r0",) == there[0].inputs
    assert there[0].outputs == ("r1",) == here[1].inputs
    given = feeds(model)
    (wanted,) = reference(model, given)
    values = run([*here, *there], given)
    assert array(values["r0"]).shape == (1, 16, 8, 8)
    np.testing.assert_allclose(array(values["y"]), wanted, rtol=1e-5)


def test_equal_ops_of_two_stages_are_not_merged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Merged, the later stage would read what the earlier makes without waiting for it."""
    nodes = [
        helper.make_node("Exp", ["x"], ["a"], "one"),
        helper.make_node("Exp", ["x"], ["b"], "two"),
        helper.make_node("Neg", ["a"], ["c"], "neg"),
        helper.make_node("Abs", ["b"], ["d"], "abs"),
        helper.make_node("Add", ["c", "d"], ["y"], "add"),
    ]
    model = made(tmp_path, nodes, [port("x", (4,))], [port("y", (4,))])
    if len(model.graph.ops) < 5:
        pytest.fail("preparation merged the ops: the test needs another pair")
    split = stages(model.graph, {"one": 0, "neg": 0, "two": 1, "abs": 1, "add": 2})
    with caplog.at_level(logging.WARNING):
        compiled = OrtBackend(cache_dir=tmp_path / "cache").compile(model, split)
    assert not caplog.records  # merging is left out: no need to compile each stage alone
    assert compiled[1].inputs == ("x",)
    given = feeds(model)
    assert np.array_equal(array(run(compiled, given)["y"]), reference(model, given)[0])


def test_if_body_captures_across_a_cut(tmp_path: Path) -> None:
    then = helper.make_graph(
        [helper.make_node("Add", ["a", "a"], ["t"])], "then", [], [port("t", (2,))]
    )
    other = helper.make_graph(
        [helper.make_node("Neg", ["a"], ["e"])], "else", [], [port("e", (2,))]
    )
    nodes = [
        helper.make_node("Exp", ["x"], ["a"], "exp"),
        helper.make_node("If", ["c"], ["y"], "if", then_branch=then, else_branch=other),
    ]
    inputs = [port("x", (2,)), port("c", (), TensorProto.BOOL)]
    model = made(tmp_path, nodes, inputs, [port("y", (2,))])
    split = stages(model.graph, {"exp": 0, "if": 1})
    compiled = OrtBackend(cache_dir=tmp_path / "cache").compile(model, split)
    x = np.array([0.0, 1.0], np.float32)
    for condition, wanted in ((True, 2 * np.exp(x)), (False, -np.exp(x))):
        values = run(compiled, {"x": x, "c": np.array(condition)})
        np.testing.assert_allclose(array(values["y"]), wanted, rtol=1e-6)


def test_a_branch_for_inputs_of_another_size(tmp_path: Path) -> None:
    """It isn't taken, but ONNX Runtime would refuse it if it knew the shape of x."""

    def branch(name: str, length: int) -> onnx.GraphProto:
        stored = numpy_helper.from_array(np.full((length, 300), 0.5, np.float32))
        nodes = [
            helper.make_node("Constant", [], [f"{name}_w"], value=stored),  # kept in a file
            helper.make_node("MatMul", ["a", f"{name}_w"], [name]),
        ]
        return helper.make_graph(nodes, name, [], [port(name, (1, 300))])

    choice = helper.make_node(
        "If", ["c"], ["y"], "if", then_branch=branch("four", 4), else_branch=branch("five", 5)
    )
    nodes = [helper.make_node("Neg", ["x"], ["a"], "neg"), choice]
    inputs = [port("x", (1, "n")), port("c", (), TensorProto.BOOL)]
    outputs = [port("y", (1, 300))]
    model = made(tmp_path, nodes, inputs, outputs, shapes={"x": (1, 4)})
    for split in ({"neg": 0, "if": 0}, {"neg": 0, "if": 1}):
        compiled = OrtBackend(cache_dir=tmp_path / "cache").compile(
            model, stages(model.graph, split)
        )
        values = run(compiled, {"x": np.ones((1, 4), np.float32), "c": np.array(True)})
        assert array(values["y"]).tolist() == [[-2.0] * 300]


def test_sequence_across_a_cut(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("SplitToSequence", ["x"], ["s"], "split", axis=0),
        helper.make_node("SequenceLength", ["s"], ["n"], "length"),
        helper.make_node("ConcatFromSequence", ["s"], ["y"], "join", axis=0),
    ]
    outputs = [port("n", (), TensorProto.INT64), port("y", (3, 2))]
    model = made(tmp_path, nodes, [port("x", (3, 2))], outputs)
    split = stages(model.graph, {"split": 0, "length": 1, "join": 2})
    given = feeds(model)
    values = run(OrtBackend(cache_dir=tmp_path / "cache").compile(model, split), given)
    assert array(values["n"]) == 3
    assert np.array_equal(array(values["y"]), array(given["x"]))
    sequence = values["s"]
    assert not isinstance(sequence, np.ndarray | list)
    assert sequence is not None
    assert [item.tolist() for item in sequence.host() or ()] == [
        [row.tolist()] for row in array(given["x"])
    ]
    with pytest.raises(BackendError, match="not a tensor"):
        sequence.numpy()


def test_strings_across_a_cut(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("StringConcat", ["x", "x"], ["a"], "twice"),
        helper.make_node("StringConcat", ["a", "x"], ["y"], "thrice"),
    ]
    text = TensorProto.STRING
    model = made(tmp_path, nodes, [port("x", (2,), text)], [port("y", (2,), text)])
    split = stages(model.graph, {"twice": 0, "thrice": 1})
    compiled = OrtBackend(cache_dir=tmp_path / "cache").compile(model, split)
    values = run(compiled, {"x": np.array(["ab", "ü"], dtype=object)})
    assert array(values["y"]).tolist() == ["ababab", "üüü"]


def test_names_the_op_that_is_refused(tmp_path: Path) -> None:
    """ONNX Runtime's CPU provider has no MaxPool over bfloat16."""
    nodes = [
        helper.make_node("Identity", ["x"], ["a"], "same"),
        helper.make_node("MaxPool", ["a"], ["y"], "pool", kernel_shape=[2]),
    ]
    half = TensorProto.BFLOAT16
    model = made(tmp_path, nodes, [port("x", (1, 1, 4), half)], [port("y", (1, 1, 3), half)])
    spec = StageSpec(id="s", ops=tuple(op.name for op in model.graph.ops), outputs=("y",))
    with pytest.raises(BackendError, match=r"^op 'pool': [^\n]*MaxPool[^\n]*$"):
        OrtBackend(cache_dir=tmp_path / "cache").compile(model, [spec])


def test_rejects_stages_that_wait_for_each_other(tmp_path: Path) -> None:
    model = conv_chain(tmp_path, length=2)
    one = StageSpec(id="one", ops=("conv0", "bn0", "relu0", "pool"), outputs=("r0", "y"))
    two = StageSpec(id="two", ops=("conv1", "bn1", "relu1"), outputs=("r1",))
    with pytest.raises(BackendError, match="wait for each other"):
        OrtBackend(cache_dir=tmp_path / "cache").compile(model, [one, two])


def test_rejects_an_op_in_two_stages(tmp_path: Path) -> None:
    model = conv_chain(tmp_path, length=1)
    spec = StageSpec(id="s", ops=("conv0",), outputs=("c0",))
    with pytest.raises(BackendError, match="op 'conv0' is in two stages, of which one is 's'"):
        OrtBackend(cache_dir=tmp_path / "cache").compile(model, [spec, spec])


def test_missing_and_wrong_inputs_are_named(tmp_path: Path) -> None:
    model = conv_chain(tmp_path, length=1)
    spec = StageSpec(id="s", ops=tuple(op.name for op in model.graph.ops), outputs=("y",))
    (executable,) = OrtBackend(cache_dir=tmp_path / "cache").compile(model, [spec])
    with pytest.raises(BackendError, match="stage 's': no value for its input 'x'"):
        executable.run({})
    with pytest.raises(BackendError, match=r"stage 's': .*x"):
        executable.run({"x": np.zeros((1, 3, 8, 8), np.float32)})


def test_run_from_several_threads(tmp_path: Path) -> None:
    model = conv_chain(tmp_path)
    label = {op.name: int(op.name == "pool" or int(op.name[-1]) > 0) for op in model.graph.ops}
    compiled = OrtBackend(cache_dir=tmp_path / "cache").compile(model, stages(model.graph, label))
    wanted = [reference(model, feeds(model, seed))[0] for seed in range(4)]
    wrong: list[int] = []

    def work(seed: int) -> None:
        for _ in range(20):
            found = array(run(compiled, feeds(model, seed))["y"])
            wrong.extend([] if np.array_equal(found, wanted[seed]) else [seed])

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_outputs_survive_the_executable(tmp_path: Path) -> None:
    model = conv_chain(tmp_path, length=1)
    spec = StageSpec(id="s", ops=tuple(op.name for op in model.graph.ops), outputs=("y",))
    given = feeds(model)
    found = array(run(OrtBackend(cache_dir=tmp_path / "cache").compile(model, [spec]), given)["y"])
    assert np.array_equal(found, reference(model, given)[0])


def test_two_threads(tmp_path: Path) -> None:
    model = conv_chain(tmp_path)
    label = {op.name: int(op.name == "pool") for op in model.graph.ops}
    backend = OrtBackend(threads=2, cache_dir=tmp_path / "cache")
    given = feeds(model)
    found = run(backend.compile(model, stages(model.graph, label)), given)
    np.testing.assert_allclose(array(found["y"]), reference(model, given)[0], rtol=1e-5)
