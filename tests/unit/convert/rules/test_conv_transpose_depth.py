"""ConvTranspose to Conv and DepthToSpace."""

from pathlib import Path

from tests.unit.convert.rules.harness import after, one, values, why_not

X = (2, 4, 6, 5)


def test_conv_and_depth_to_space(tmp_path: Path) -> None:
    for kernel, stride in ((2, 2), (4, 2), (3, 3)):
        weights = values(4, 3, kernel, kernel)
        proto = one("ConvTranspose", X, weights, values(3), strides=[stride, stride])
        assert after(tmp_path, proto, "ConvTranspose")[:2] == ["Conv", "DepthToSpace"]


def test_different_strides_are_refused(tmp_path: Path) -> None:
    proto = one("ConvTranspose", X, values(4, 3, 2, 2), strides=[2, 1])
    why = why_not(tmp_path, proto, "conv-transpose-depth", "ConvTranspose", "Transpose")
    assert why.startswith("DepthToSpace needs the same stride of 2 or more")


def test_groups_are_refused(tmp_path: Path) -> None:
    proto = one("ConvTranspose", X, values(4, 3, 2, 2), strides=[2, 2], group=2)
    why = why_not(tmp_path, proto, "conv-transpose-depth", "ConvTranspose", "Transpose")
    assert why == "DepthToSpace would mix the groups"
