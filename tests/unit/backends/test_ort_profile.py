"""Reading ONNX Runtime's profile files, and one real pair of sessions."""

from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from hetsched.backends.ort_profile import EmptyStage, ProfilePair, read_runs, runtime_version
from hetsched.errors import BackendError


def kernel(node: int, ts: int, dur: int, op_type: str = "Relu") -> dict[str, object]:
    return {
        "cat": "Node", "pid": 1, "tid": 1, "ph": "X", "name": f"n{node}_kernel_time",
        "ts": ts, "dur": dur, "args": {"op_name": op_type, "node_index": str(node)},
    }  # fmt: skip


def run_end(ts: int) -> dict[str, object]:
    return {"cat": "Session", "name": "model_run", "ts": ts, "dur": 1, "ph": "X", "args": {}}


LOADING = {"cat": "Session", "name": "session_initialization", "ts": 0, "dur": 9, "args": {}}


def profile(*events: dict[str, object]) -> bytes:
    return msgspec.json.encode([LOADING, *events])


def test_runs_are_kernels_between_run_ends_in_nanoseconds() -> None:
    found = read_runs(
        profile(
            kernel(0, 10, 5), kernel(1, 16, 7), run_end(24),
            kernel(0, 30, 3), kernel(1, 34, 8), run_end(43),
        ),
        last=2,
    )  # fmt: skip
    assert found.nodes == (0, 1)
    assert found.kernel_ns.tolist() == [[5000, 7000], [3000, 8000]]


def test_only_the_last_runs_are_kept() -> None:
    found = read_runs(
        profile(kernel(0, 10, 99), run_end(24), kernel(0, 30, 3), run_end(43)), last=1
    )
    assert found.kernel_ns.tolist() == [[3000]]


def test_kernels_in_a_body_belong_to_the_op_around_it() -> None:
    # The body's kernels are numbered anew, and written before the If that ran them.
    found = read_runs(
        profile(
            kernel(0, 10, 5),
            kernel(0, 21, 2), kernel(1, 24, 2), kernel(1, 20, 9, "If"),
            kernel(2, 30, 1), run_end(32),
        ),
        last=1,
    )  # fmt: skip
    assert dict(zip(found.nodes, found.kernel_ns[0].tolist(), strict=True)) == {
        0: 5000,
        1: 9000,
        2: 1000,
    }


def test_a_kernel_that_didnt_run_took_no_time() -> None:
    found = read_runs(profile(kernel(0, 1, 5), run_end(9), run_end(20)), last=2)
    assert found.kernel_ns.tolist() == [[5000], [0]]


def test_too_few_runs_are_refused() -> None:
    with pytest.raises(BackendError, match="holds 1 runs, not 2"):
        read_runs(profile(run_end(3)), last=2)


def test_something_else_is_refused() -> None:
    with pytest.raises(BackendError, match="profile can't be read"):
        read_runs(b'[{"cat": 5}]', last=1)


@pytest.fixture
def chain(tmp_path: Path) -> Path:
    """X -> Relu "first" -> Neg "second" -> Y, 4 floats."""
    floats = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [4]) for name in "XY"]
    nodes = [
        helper.make_node("Relu", ["X"], ["h"], "first"),
        helper.make_node("Neg", ["h"], ["Y"], "second"),
    ]
    graph = helper.make_graph(nodes, "chain", floats[:1], floats[1:])
    opset = helper.make_opsetid("", 17)
    path = tmp_path / "chain.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[opset], ir_version=8), path)
    return path


def test_a_pair_runs_plain_and_profiled_and_leaves_no_file(chain: Path, tmp_path: Path) -> None:
    pair = ProfilePair(chain, {"X": np.ones(4, np.float32)}, tmp_path)
    for _ in range(4):
        assert pair.plain().wall_ns > 0
        assert pair.profiled().wall_ns > 0
    runs = pair.finish(last=3)
    assert runs.nodes == (0, 1)
    assert runs.kernel_ns.shape == (3, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["chain.onnx"]


def test_a_file_that_isnt_a_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(b"no model")
    with pytest.raises(BackendError, match=r"x\.onnx"):
        ProfilePair(tmp_path / "x.onnx", {}, tmp_path)


def test_inputs_that_dont_fit_are_refused(chain: Path, tmp_path: Path) -> None:
    pair = ProfilePair(chain, {"X": np.ones(5, np.float32)}, tmp_path)
    with pytest.raises(BackendError, match="Got: 5 Expected: 4"):
        pair.plain()


def test_an_empty_stage_takes_time() -> None:
    assert EmptyStage().run().wall_ns > 0


def test_the_runtime_has_a_version() -> None:
    assert runtime_version().startswith("onnxruntime 1.")
