"""Whatever happens to a file on its way, it is read or refused with one clear line."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hetsched.cost.importing import ImportedCost, read_measurements
from hetsched.errors import CostError

from .samples import LITERT, LITERT_PYTHON, MNN, NCNN, TFLITE, TFLITE_CSV, TFLITE_XNNPACK
from .test_read import PROFILE

TABLE = "op,time,time_unit,dtype,threads,n,date\nconv,2,ms,fp16,2,9,2026-11-22\nrelu,1,ms,,,,\n"
JUNK = st.text(alphabet='0123456789.-+e,;%[]{}"= \t\n\x00\u00b5nainf', max_size=12)


def attempt(path: Path) -> tuple[list[ImportedCost], str]:
    """Rows, or why there are none."""
    try:
        rows = read_measurements(path, format=None, unit="gpu", dtype=None, threads=None)
    except CostError as error:
        return [], str(error)
    return rows, ""


@pytest.mark.parametrize(
    "log", [PROFILE, TFLITE, TFLITE_XNNPACK, TFLITE_CSV, LITERT, LITERT_PYTHON, NCNN, MNN, TABLE],
    ids=["ort", "tflite", "xnnpack", "tflite-csv", "litert", "litert-py", "ncnn", "mnn", "csv"],
)  # fmt: skip
def test_a_damaged_file_is_read_or_refused(
    log: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path: Path = tmp_path_factory.mktemp("damaged") / "f.txt"

    @given(data=st.data())
    def damage(data: st.DataObject) -> None:
        begin = data.draw(st.integers(0, len(log)))
        end = data.draw(st.integers(begin, min(len(log), begin + 200)))
        path.write_text(log[:begin] + data.draw(JUNK) + log[end:], encoding="utf-8")
        rows, refusal = attempt(path)
        assert rows or re.fullmatch("f.txt.+", refusal)
        assert all(0 <= row.low_ns <= row.latency_ns <= row.high_ns for row in rows)

    damage()
