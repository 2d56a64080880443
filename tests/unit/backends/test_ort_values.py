"""Values into ONNX Runtime's memory and back."""

import gc
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper

from hetsched.backends.base import StageSpec
from hetsched.backends.null import HostBuffer as PlainBuffer
from hetsched.backends.ort import OrtBackend
from hetsched.backends.ort.values import HostBuffer, OrtBuffer, element_name, to_ort
from hetsched.errors import BackendError
from tests.unit.backends.tiny import made, port

DTYPES = {
    "float": np.float32, "double": np.float64, "float16": np.float16, "bool": np.bool_,
    "int8": np.int8, "int16": np.int16, "int32": np.int32, "int64": np.int64,
    "uint8": np.uint8, "uint16": np.uint16, "uint32": np.uint32, "uint64": np.uint64,
    "bfloat16": ml_dtypes.bfloat16, "float8e4m3fn": ml_dtypes.float8_e4m3fn,
    "float8e4m3fnuz": ml_dtypes.float8_e4m3fnuz, "float8e5m2": ml_dtypes.float8_e5m2,
    "float8e5m2fnuz": ml_dtypes.float8_e5m2fnuz, "float4e2m1": ml_dtypes.float4_e2m1fn,
    "int4": ml_dtypes.int4, "uint4": ml_dtypes.uint4,
}  # fmt: skip


@pytest.mark.parametrize("kind", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (1,), (5,), (3, 3), (2, 0, 4)])
def test_round_trip(kind: str, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(0)
    sent = rng.integers(0, 2, shape).astype(DTYPES[kind])
    held = to_ort(sent, f"tensor({kind})")
    assert isinstance(held, OrtBuffer)
    back = held.numpy()
    assert back.dtype == sent.dtype
    assert back.shape == shape
    assert back.tolist() == sent.tolist()


@given(st.lists(st.integers(-8, 7), max_size=9))
def test_packed_numbers_round_trip(numbers: list[int]) -> None:
    sent = np.array(numbers, np.int8).astype(ml_dtypes.int4)
    assert to_ort(sent, "tensor(int4)").numpy().astype(np.int8).tolist() == numbers


def test_no_copy_in_and_out() -> None:
    sent = np.arange(6, dtype=np.float32)
    back = to_ort(sent, "tensor(float)").numpy()
    assert np.shares_memory(sent, back)


def test_no_copy_for_special_dtypes() -> None:
    sent = np.arange(6).astype(ml_dtypes.bfloat16)
    assert np.shares_memory(to_ort(sent, "tensor(bfloat16)").numpy(), sent)


def test_memory_lives_as_long_as_a_view() -> None:
    back = to_ort(np.full(100_000, 7, np.float32), "tensor(float)").numpy()
    special = to_ort(np.full(100_000, 7, np.float32).astype(ml_dtypes.bfloat16), "tensor(bfloat16)")
    view = special.numpy()
    del special
    gc.collect()
    np.full(100_000, 9, np.float32)
    assert (back == 7).all()
    assert (view.astype(np.float32) == 7).all()


def test_strided_arrays_are_copied() -> None:
    sent = np.arange(6, dtype=np.float32).reshape(2, 3).T
    assert to_ort(sent, "tensor(float)").numpy().tolist() == sent.tolist()


def test_buffers_of_other_backends() -> None:
    sent = np.arange(3, dtype=np.int64)
    assert to_ort(PlainBuffer(sent), "tensor(int64)").numpy().tolist() == [0, 1, 2]


def test_what_stays_outside() -> None:
    """Strings, sequences and empty optionals: Python can't make an OrtValue of them."""
    for value, kind in (
        (np.array(["a"], dtype=object), "tensor(string)"),
        ([np.zeros(1, np.float32)], "seq(tensor(float))"),
        (None, "optional(tensor(float))"),
    ):
        held = to_ort(value, kind)
        assert isinstance(held, HostBuffer)
        assert held.host() is value


def test_a_wrong_dtype_is_named() -> None:
    with pytest.raises(BackendError, match="a bfloat16 value must be an array of bfloat16, not of"):
        to_ort(np.zeros(2, np.uint16), "tensor(bfloat16)")


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("tensor(float)", "float"),
        ("optional(tensor(bfloat16))", "bfloat16"),
        ("seq(tensor(int4))", "seq(tensor(int4"),
    ],
)
def test_element_name(kind: str, name: str) -> None:
    assert element_name(kind).startswith(name)


def test_empty_optional_from_a_session(tmp_path: Path) -> None:
    kind = helper.make_tensor_type_proto(TensorProto.FLOAT, [2])
    node = helper.make_node("Optional", [], ["o"], "none", type=kind)
    has = helper.make_node("OptionalHasElement", ["o"], ["y"], "has")
    model = made(tmp_path, [node, has], [], [port("y", (), TensorProto.BOOL)])
    if "none" not in model.graph.op:
        pytest.fail("preparation folded the op: the test needs another one")
    specs = [
        StageSpec(id="a", ops=("none",), outputs=("o",)),
        StageSpec(id="b", ops=("has",), outputs=("y",)),
    ]
    first, second = OrtBackend(cache_dir=tmp_path / "cache").compile(model, specs)
    (empty,) = first.run({})
    assert empty.host() is None
    assert not second.run({"o": empty})[0].numpy()
