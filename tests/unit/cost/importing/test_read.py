"""The door: formats that are found out, files that aren't text, formats that are wrong."""

from pathlib import Path

import pytest

from hetsched.cost.importing import FORMATS, ImportedCost, read_measurements
from hetsched.errors import CostError

from .samples import MNN, NCNN, TFLITE, TFLITE_CSV, TFLITE_XNNPACK

PROFILE = (
    '[\n{"cat" : "Node","pid" :1,"tid" :1,"dur" :239,"ts" :9,"ph" : "X",'
    '"name" :"conv_kernel_time","args" : {"op_name" : "Conv","provider" : "CPUExecutionProvider",'
    '"node_index" : "3","output_type_shape" : [{"float":[1,8,24,96]}]}}\n]\n'
)
TABLE = "op,time_ms\nconv,2\n"


def load(folder: Path, content: str | bytes, chosen: str | None = None) -> list[ImportedCost]:
    path = folder / "file.txt"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_measurements(path, format=chosen, unit="gpu", dtype=None, threads=None)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (PROFILE, "onnxruntime"),
        (TFLITE, "tflite"),
        (TFLITE_XNNPACK, "tflite"),
        (TFLITE_CSV, "tflite"),
        (NCNN, "ncnn"),
        (MNN, "mnn"),
        (TABLE, "csv"),
    ],
)
def test_the_format_is_found_out(tmp_path: Path, content: str, found: str) -> None:
    assert load(tmp_path, content)[0].framework == found
    assert load(tmp_path, content, found)
    other = next(name for name in FORMATS if name != found)
    with pytest.raises(CostError, match=f"is no {other} file, it looks like {found}: give --form"):
        load(tmp_path, content, other)


def test_windows_line_ends_and_marks_are_fine(tmp_path: Path) -> None:
    for raw in (
        b"\xef\xbb\xbf" + TABLE.encode(),
        TABLE.replace("\n", "\r\n").encode(),
        TABLE.encode("utf-16"),
    ):
        (row,) = load(tmp_path, raw)
        assert (row.name, row.latency_ns) == ("conv", 2_000_000)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "file.txt is empty: copy the tool's output into it"),
        (b" \n\n", "is empty"),
        (b"op,time_ms\nc\xf6nv,2\n", "file.txt:2: byte 0xf6 is no UTF-8: save the file as UTF-8"),
        (TABLE.encode("utf-16-le"), "file.txt:1: a zero byte"),
        (b"\x7fELF\x00\x01", "a zero byte: this is no text"),
        (b"hello\n", "has no form that is known .onnxruntime, tflite, ncnn, mnn, csv."),
        (PROFILE[:-40].encode(), "file.txt is truncated .*call end_profiling before copying"),
        (b'[\n{"cat": "x", "ts": NaN}\n]', "is no JSON"),
        (b'{"cat": 1, "ts": 2}', "is JSON, but no ONNX Runtime profile"),
        (PROFILE.replace("239", "-1").encode(), "file.txt:2: dur of conv_kernel_time -1 is negat"),
        (PROFILE.replace("_kernel_time", "").encode(), "holds no _kernel_time event"),
    ],
)
def test_files_that_make_no_sense(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(CostError, match=message) as caught:
        load(tmp_path, content)
    assert "nothing was imported" in str(caught.value)


def test_a_missing_file_and_an_unknown_format(tmp_path: Path) -> None:
    missing = tmp_path / "no.txt"
    with pytest.raises(CostError, match=r"no.txt can't be read: No such file"):
        read_measurements(missing, format=None, unit="gpu", dtype=None, threads=None)
    with pytest.raises(CostError, match="format 'tflit' is unknown: did you mean 'tflite'"):
        load(tmp_path, TABLE, "tflit")
