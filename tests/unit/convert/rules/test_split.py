"""Split to Slice."""

from pathlib import Path

import numpy as np

from tests.unit.convert.rules.harness import after, one, why_not

X = (2, 4, 6, 5)


def test_parts(tmp_path: Path) -> None:
    proto = one("Split", X, np.array([1, 3]), axis=1, outputs=2)
    assert after(tmp_path, proto, "Split") == ["Slice", "Slice"]
    proto = one("Split", X, axis=2, outputs=3, opset=9)
    assert after(tmp_path, proto, "Split") == ["Slice", "Slice", "Slice"]


def test_it_stays_where_slice_blocks(tmp_path: Path) -> None:
    proto = one("Split", X, axis=2, outputs=3, opset=9)
    why = why_not(tmp_path, proto, "split", "Split", "Slice")
    assert why == "its Slice blocks too: no Slice"
