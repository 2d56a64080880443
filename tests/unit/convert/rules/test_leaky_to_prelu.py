"""LeakyRelu to PRelu."""

from pathlib import Path

from tests.unit.convert.rules.harness import after, one, why_not

X = (2, 4, 6, 5)


def test_a_slope_per_channel(tmp_path: Path) -> None:
    assert after(tmp_path, one("LeakyRelu", X, alpha=0.2), "LeakyRelu") == ["PRelu"]


def test_rank_1_is_refused(tmp_path: Path) -> None:
    why = why_not(tmp_path, one("LeakyRelu", (7,)), "leaky-to-prelu", "LeakyRelu", "Neg", "Mul")
    assert why == "the input's channels aren't known"
