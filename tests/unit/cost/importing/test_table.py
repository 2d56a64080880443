"""Generic CSV: columns, units of measure, and each mistake with its line."""

import pytest

from hetsched.cost.importing.record import Wanted
from hetsched.cost.importing.table import read
from hetsched.errors import CostError

from .samples import WANTED, text

HEAD = "op,unit,dtype,threads,time_us,n,date,framework,backend,low,high\n"
ROW = "conv,gpu,fp16,,12.5,40,2026-11-22,mine,opencl,12,14\n"


def refuses(content: str, message: str, wanted: Wanted = WANTED) -> None:
    with pytest.raises(CostError, match=message) as caught:
        read(text(content, "t.csv"), wanted)
    assert "nothing was imported" in str(caught.value)


def test_a_row_with_everything() -> None:
    (row,) = read(text(HEAD + ROW, "t.csv"), WANTED)
    assert (row.at, row.scope, row.name, row.unit) == ("t.csv:2 (conv)", "op", "conv", "gpu")
    assert (row.dtype, row.threads, row.runs, row.date) == ("float16", None, 40, "2026-11-22")
    assert (row.framework, row.backend) == ("mine", "opencl")
    assert (row.latency_ns, row.low_ns, row.high_ns) == (12_500, 12_000, 14_000)


def test_only_what_is_needed() -> None:
    (row,) = read(text("op,time_ms\nconv;relu,2\n"), WANTED)
    # No spread given: 15% either way.
    assert (row.latency_ns, row.low_ns, row.high_ns) == (2_000_000, 1_700_000, 2_300_000)
    assert (row.unit, row.framework, row.runs) == ("gpu", "csv", 0)


def test_a_column_may_say_the_unit_of_measure() -> None:
    (row,) = read(text("model,time,time_unit,input_shape\nnet,3,s,1x3x8x8\n"), WANTED)
    assert (row.scope, row.latency_ns, row.input_shape) == ("model", 3 * 10**9, "1x3x8x8")


def test_rows_of_other_units_are_left_alone() -> None:
    (row,) = read(text(HEAD + ROW + ROW.replace("conv,gpu", "conv,cpu")), WANTED)
    assert row.unit == "gpu"
    refuses(HEAD + ROW.replace("gpu", "npu"), "no row for unit gpu, only for npu")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("op,time\nconv,2\n", "t.csv:1: column 'time' has no unit of measure"),
        ("op,time_ms,time_us\nconv,2,2\n", "t.csv:1: mixed units: time_ms and time_us"),
        ("op,time_ms,time_unit\nconv,2,us\n", "t.csv:1: mixed units: time_ms and time_unit"),
        (
            "op,time,time_unit\na,2,ms\nb,2,us\n",
            "t.csv:3: mixed units: time_unit us here, ms at line 2: convert all",
        ),
        ("op,time,time_unit\na,2,ticks\n", "t.csv:2: time_unit 'ticks' is not one of ns, us"),
        ("op,time_ms\nconv,2 ms\n", "t.csv:2: time_ms '2 ms' is not a number"),
        ("op,time_ms\nconv,-2\n", "t.csv:2: time_ms -2 is negative"),
        ("op,time_ms\nconv,nan\n", "t.csv:2: time_ms is nan"),
        ("op,time_ms\nconv,inf\n", "t.csv:2: time_ms is inf"),
        ("op,time_ms\nconv,0\n", "t.csv:2: time_ms is 0"),
        ("op,time_ms\nconv,3600001\n", "t.csv:2: .*more than an hour"),
        ("op,time_ms\n", "t.csv:1: there is no row below the columns"),
        ("time_ms,dtype\n1,fp16\n", "t.csv:1: column 'op' or 'model' is missing"),
        ("op,time_msec\nconv,2\n", "t.csv:1: column 'time_msec' is unknown: did you mean 'time_"),
        ("op,op,time_ms\na,b,2\n", "t.csv:1: column 'op' is there twice"),
        ("op,n\nconv,2\n", "t.csv:1: no column of times"),
        ("op,time_ms\nconv,2,3\n", "t.csv:2: 3 cells for 2 columns"),
        ('op,time_ms\n"conv,2\n', "t.csv:.*: no CSV"),
        ("op,model,time_ms\na,b,2\n", "t.csv:2: give either op or model"),
        ("op,model,time_ms\n,,2\n", "t.csv:2: give either op or model"),
        ("model,time_ms\nnet,2\n", "t.csv:2: input_shape of model net is missing"),
        ("model,time_ms,input_shape\nnet,2,3by3\n", "t.csv:2: input_shape '3by3' is not of"),
        ("op,time_ms,dtype\nconv,2,fp17\n", "t.csv:2: dtype 'fp17' is unknown"),
        ("op,time_ms,threads\nconv,2,0\n", "t.csv:2: threads 0 is less than 1"),
        ("op,time_ms,n\nconv,2,many\n", "t.csv:2: n 'many' is not a whole number"),
        ("op,time_ms,date\nconv,2,22.11.26\n", "t.csv:2: date '22.11.26' is not of the form"),
        ("op,time_ms,low\nconv,2,3\n", "t.csv:2: low 3, high None: the time isn't between"),
        (
            HEAD + ROW + ROW.replace("12.5", "12.6"),
            r"t.csv:3: op conv is there twice, also at t.csv:2 \(conv\)",
        ),
    ],
)
def test_mistakes_name_row_field_and_remedy(content: str, message: str) -> None:
    refuses(content, message)


def test_options_that_contradict_the_file_are_refused() -> None:
    refuses(HEAD + ROW, "t.csv:2: dtype fp16, but --dtype int8",
            Wanted(unit="gpu", dtype="int8", threads=None))  # fmt: skip
    refuses("op,time_ms,threads\nconv,2,4\n", "t.csv:2: threads 4, but --threads 2",
            Wanted(unit="gpu", dtype=None, threads=2))  # fmt: skip


def test_columns_for_people_and_names_of_other_tables() -> None:
    (row,) = read(text("op,unit_or_backend,ms,source,notes\nconv,gpu,2,me,twice\n"), WANTED)
    assert (row.unit, row.latency_ns) == ("gpu", 2_000_000)


def test_a_table_of_several_socs_is_sent_to_calibrate() -> None:
    refuses(
        "soc,unit_or_backend,model,input_shape,ms\nx,gpu,net,1x3x8x8,2\n",
        "t.csv:1: column 'soc': .* `hetsched calibrate PROFILE --rows`",
    )
