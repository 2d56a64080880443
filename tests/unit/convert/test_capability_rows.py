import csv
from importlib.resources import files

import pytest

from hetsched.convert.capability_clauses import clause_rule
from hetsched.convert.capability_limits import LIMITS
from hetsched.convert.capability_rows import backends, index, table
from hetsched.convert.capability_rules import RULES
from hetsched.errors import CapabilityError
from hetsched.soc.catalog import names, profile


def test_every_listed_table_has_as_many_rows_as_the_index_says() -> None:
    text = files("hetsched.convert").joinpath("data", "index.csv").read_text(encoding="utf-8")
    listed = list(csv.DictReader(text.splitlines()))
    assert len(listed) == 97
    for row in listed:
        found = table(row["framework"], row["backend"])
        assert len(found.rows) == int(row["rows"]), row
        for status in ("full", "partial", "none"):
            count = sum(entry.status == status for entry in found.rows.values())
            assert count == int(row[status]), row


def test_rows_keep_their_source() -> None:
    row = table("mace", "apu").rows["Sub"]
    assert row.status == "none"
    assert row.constraint == "APU accepts only SUM and PROD element-wise, not SUB"
    assert row.source.startswith("XiaoMi/mace/tools/python/transform/apu_converter.py@")
    assert table("mace", "apu").rows["Conv"].dtypes == {"float32", "uint8", "int16"}


def test_closed_world_is_read() -> None:
    assert table("mace", "apu").closed_world
    assert not table("snpe", "converter").closed_world


def test_unknown_names_list_what_there_is() -> None:
    with pytest.raises(CapabilityError, match=r"'nccn': did you mean 'ncnn'\? known are tnn, "):
        backends("nccn")
    with pytest.raises(CapabilityError, match=r"'mace' has no backend 'npu': .*it has converter"):
        table("mace", "npu")


def test_limits_and_rules_belong_to_listed_tables() -> None:
    for framework, backend in (*LIMITS, *RULES):
        assert backend in index()[framework]


def test_every_partial_row_of_the_default_profile_has_a_rule() -> None:
    for key in (("mace", "apu"), ("mace", "gpu-opencl"), ("mace", "converter")):
        rows = table(*key).rows
        partial = {op for op, row in rows.items() if row.status == "partial"}
        assert partial <= set(RULES[key])
        assert set(RULES[key]) <= {op for op, row in rows.items() if row.status != "none"}


@pytest.mark.parametrize("name", names())
def test_profiles_name_tables_that_there_are(name: str) -> None:
    known = {backend for framework in index() for backend in index()[framework]}
    for unit in profile(name).units:
        assert unit.backend in index()[unit.framework]
        assert set(unit.reached_by) <= known


def test_constraints_become_rules_when_every_clause_is_known() -> None:
    assert clause_rule("decomposed to MUL+ADD") is not None
    assert clause_rule("4-D only; const parameter inputs; lowered to RESIZE...") is not None
    assert clause_rule("keepdim, <=2 axes") is not None
    assert clause_rule("if B not const, transB=1") is not None
    assert clause_rule("attribute/shape conditions apply; lowered to MEAN") is None
    assert clause_rule("2-D only; on Tuesdays") is None
    assert clause_rule("") is None
