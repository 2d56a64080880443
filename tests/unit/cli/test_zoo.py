"""`hetsched zoo`."""

import json

import pytest

from hetsched.cli import main
from hetsched.zoo import catalog


def run(*words: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Exit code, stdout and stderr of a command line."""
    with pytest.raises(SystemExit) as exit_info:
        main(words)
    captured = capsys.readouterr()
    return int(exit_info.value.code or 0), captured.out, captured.err


def test_the_table_fits_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run("zoo", capsys=capsys)
    assert code == 0
    assert max(map(len, out.splitlines())) <= 80
    for name, entry in catalog.entries().items():
        assert f"\n{name} " in out
        assert all(key in out for key in entry.shapes)


def test_json_has_every_field(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run("zoo", "--json", capsys=capsys)
    rows = {row["name"]: row for row in json.loads(out)}
    assert code == 0
    assert tuple(rows) == catalog.names()
    assert rows["silero-vad"]["inputs"] == {"input": [1, 576], "state": [2, 1, 128]}
    assert rows["silero-vad"]["licence"] == "MIT"
    assert rows["resnet50"]["weights"] == "seeded"


def test_fetch_prints_the_path(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run("zoo", "fetch", "squeezenet", capsys=capsys)
    assert code == 0
    assert out.endswith("squeezenet.onnx\n")


def test_an_unknown_model_is_refused_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run("zoo", "fetch", "resnet-50", capsys=capsys)
    assert (code, out) == (1, "")
    assert err == "error: the zoo has no model 'resnet-50'; did you mean 'resnet50'?\n"
