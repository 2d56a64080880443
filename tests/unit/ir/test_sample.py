"""Made-up inputs: right shape and dtype, repeatable, never a guess where nothing is known."""

import numpy as np
import pytest

from hetsched.errors import ModelError
from hetsched.ir.graph import ITEM_BITS, Graph, Tensor
from hetsched.ir.sample import numpy_dtype, sample, samples


def tensor(dtype: str | None, shape: tuple[int | None, ...] | None = (2, 3)) -> Tensor:
    return Tensor(name="x", dtype=dtype, shape=shape)


@pytest.mark.parametrize("dtype", sorted(ITEM_BITS))
def test_every_dtype_has_samples(dtype: str) -> None:
    made = sample(tensor(dtype))
    assert made.shape == (2, 3)
    assert made.dtype == numpy_dtype(dtype)


def test_strings_have_samples() -> None:
    assert sample(tensor("string")).tolist() == [["hetsched"] * 3] * 2


def test_the_same_name_and_seed_give_the_same_data() -> None:
    assert np.array_equal(sample(tensor("float32")), sample(tensor("float32")))
    assert not np.array_equal(sample(tensor("float32")), sample(tensor("float32"), seed=1))


def test_wide_integers_are_zero_or_one() -> None:
    assert set(sample(tensor("int64", (100,))).tolist()) == {0, 1}


def test_wide_integers_may_be_chosen() -> None:
    assert set(sample(tensor("int64", (100,)), whole=1).tolist()) == {1}
    assert len(set(sample(tensor("int8", (100,)), whole=1).tolist())) > 2


def test_a_scalar_is_an_array_without_dimensions() -> None:
    assert sample(tensor("float32", ())).shape == ()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (tensor(None), "input 'x' is no tensor"),
        (tensor("float32", (1, None)), "input 'x' has no fixed shape"),
        (tensor("float32", None), "input 'x' has no fixed shape"),
    ],
)
def test_what_isnt_known_isnt_guessed(wrong: Tensor, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        sample(wrong)


def test_a_graphs_samples_are_its_inputs() -> None:
    names = ("a", "b")
    tensors = {name: Tensor(name=name, dtype="float32", shape=(1,)) for name in (*names, "w")}
    graph = Graph(
        ops=(), tensors=tensors, inputs=names, outputs=(), constants=frozenset(["w"]), values={}
    )
    assert samples(graph).keys() == set(names)
    assert samples(graph)["a"] != samples(graph)["b"]
