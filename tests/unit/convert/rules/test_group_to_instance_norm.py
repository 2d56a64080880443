"""GroupNormalization to InstanceNormalization."""

from tests.unit.convert.rules.drawing import Run, op
from tests.unit.convert.rules.harness import values
from tests.unit.convert.rules.pairs import replaced


def test_groups_as_channels() -> None:
    proto = op(
        "GroupNormalization", Run((1, 4, 3, 5)), values(4), Run((4,)), num_groups=2, opset=21
    )
    assert replaced("group-to-instance-norm", proto) == [
        "Reshape 1x2x30",
        "InstanceNormalization 1x2x30",
        "Reshape 1x4x3x5",
        "Mul 1x4x3x5",
        "Reshape 1x4x1x1",
        "Add 1x4x3x5",
    ]
