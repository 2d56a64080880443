"""DepthToSpace and SpaceToDepth."""

from pathlib import Path

import pytest

from tests.unit.convert.rules.harness import after, one, why_not

MADE = ["Reshape", "Transpose", "Reshape"]


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_depth_to_space(tmp_path: Path, mode: str) -> None:
    proto = one("DepthToSpace", (2, 12, 3, 5), blocksize=2, mode=mode)
    assert after(tmp_path, proto, "DepthToSpace") == MADE


def test_space_to_depth(tmp_path: Path) -> None:
    assert after(tmp_path, one("SpaceToDepth", (2, 3, 6, 9), blocksize=3), "SpaceToDepth") == MADE


def test_it_stays_where_transpose_blocks(tmp_path: Path) -> None:
    proto = one("SpaceToDepth", (2, 3, 6, 9), blocksize=3)
    why = why_not(tmp_path, proto, "depth-space", "SpaceToDepth", "Transpose")
    assert why == "its Transpose blocks too: no Transpose"
