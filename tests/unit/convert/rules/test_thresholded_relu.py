"""ThresholdedRelu to primitives."""

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.pairs import replaced


def test_a_mask() -> None:
    proto = op("ThresholdedRelu", Run((2, 3)), alpha=0.5)
    assert replaced("thresholded-relu", proto) == ["Greater 2x3", "Cast 2x3", "Mul 2x3"]
