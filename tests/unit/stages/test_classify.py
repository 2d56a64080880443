"""Softmax, the best classes, CTC."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hetsched.errors import RunError
from hetsched.stages import CtcGreedy, Ranked, Softmax, TopK


def test_softmax_of_logarithms_is_their_shares() -> None:
    """exp(log 1), exp(log 2), exp(log 5) are 1, 2, 5 of 8."""
    scores = np.log(np.array([[1, 2, 5]], np.float32))
    got = Softmax()(scores)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, [[1 / 8, 2 / 8, 5 / 8]], rtol=1e-6)


@given(arrays(np.float64, (3, 4), elements=st.floats(-1e4, 1e4)), st.integers(-2, 1))
def test_softmax_adds_up_to_1_and_keeps_the_order(scores: np.ndarray, axis: int) -> None:
    got = Softmax(axis=axis)({"logits": scores})
    np.testing.assert_allclose(got.sum(axis=axis), 1)
    assert ((got >= 0) & (got <= 1)).all()
    order = np.argsort(scores, axis=axis, kind="stable")
    assert (np.diff(np.take_along_axis(got, order, axis), axis=axis) >= 0).all()
    shifted = Softmax(axis=axis)(scores + 3)
    np.testing.assert_allclose(shifted, got, atol=1e-9)


def test_top_k_best_first_equals_by_index() -> None:
    rows = TopK(k=3, labels=("a", "b", "c", "d"))(np.array([[0.1, 0.4, 0.4, 0.1]]))
    assert rows == [[Ranked(1, "b", 0.4), Ranked(2, "c", 0.4), Ranked(0, "a", 0.1)]]


def test_top_k_of_fewer_classes_and_of_one_row() -> None:
    """A classifier's (N, classes, 1, 1) counts as (N, classes); indices stand in for labels."""
    assert TopK(k=5)(np.array([2.0, 3.0])) == [[Ranked(1, "1", 3.0), Ranked(0, "0", 2.0)]]
    pooled = np.array([2.0, 3.0]).reshape(1, 2, 1, 1)
    assert TopK(k=1)({"y": pooled}) == [[Ranked(1, "1", 3.0)]]


def test_which_entry_is_read() -> None:
    value = {"a": np.array([1.0, 0.0]), "b": np.array([0.0, 1.0])}
    assert TopK(k=1, of="b")(value)[0][0].class_index == 1
    with pytest.raises(RunError, match="top-k reads 'one array': there is a, b; name it"):
        TopK()(value)
    with pytest.raises(RunError, match="top-k reads 'c': there is a, b"):
        TopK(of="c")(value)
    with pytest.raises(RunError, match="takes an array, not a list"):
        TopK()([1.0])


def test_bad_parameters_are_refused() -> None:
    with pytest.raises(RunError, match="k is 0: give 1 or more"):
        TopK(k=0)
    with pytest.raises(RunError, match="1 labels for 2 classes"):
        TopK(labels=("a",))(np.zeros((1, 2)))


def one_hot(*classes: int, of: int = 4) -> np.ndarray:
    """(1, places, classes) that is sure of a class at each place."""
    return np.eye(of, dtype=np.float32)[list(classes)][None]


@pytest.mark.parametrize(
    ("classes", "text"),
    [
        ((0, 1, 1, 0, 1, 2, 2, 0), "aab"),  # a blank between equals makes them two
        ((3, 3, 3), "c"),
        ((0, 0), ""),
        ((), ""),
    ],
)
def test_ctc(classes: tuple[int, ...], text: str) -> None:
    read = CtcGreedy(characters=("a", "b", "c"))(one_hot(*classes))
    assert [(one.text, one.score) for one in read] == [(text, 1.0 if text else 0.0)]


def test_the_score_is_the_mean_over_first_places() -> None:
    """Places: a 0.6, a 0.9, b 0.8: the second a repeats, so (0.6 + 0.8) / 2."""
    scores = np.array([[[0.4, 0.6, 0], [0.1, 0.9, 0], [0.2, 0, 0.8]]])
    (read,) = CtcGreedy(characters=("a", "b"))(scores)
    assert read.text == "ab"
    assert read.score == pytest.approx(0.7)


@given(st.lists(st.integers(0, 3), max_size=20))
def test_ctc_is_collapsing_then_leaving_blanks_out(classes: list[int]) -> None:
    collapsed = [c for i, c in enumerate(classes) if i == 0 or c != classes[i - 1]]
    text = "".join("?abc"[c] for c in collapsed if c)
    assert CtcGreedy(characters=("a", "b", "c"))(one_hot(*classes))[0].text == text


def test_ctc_refuses_other_shapes_and_unknown_classes() -> None:
    with pytest.raises(RunError, match="2 characters for 4 classes with the blank"):
        CtcGreedy(characters=("a", "b"))(one_hot(1))
    with pytest.raises(RunError, match=r"\(N, places, classes\), not \(2, 2\)"):
        CtcGreedy(characters=("a",))(np.zeros((2, 2)))
