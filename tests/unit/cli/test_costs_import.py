"""`hetsched costs import`, and the plan that uses what it brought."""

import json
from pathlib import Path
from typing import Any

import pytest

from hetsched.cli import main
from hetsched.cost.store import CostStore
from hetsched.quantity import format_ns
from hetsched.soc.catalog import locate, profile
from tests.unit.cost.importing.samples import NCNN, TFLITE, write_net


def run(*words: str | Path) -> int:
    """The exit code of a command."""
    try:
        main([str(word) for word in words])
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else int(bool(stop.code))
    return 0


@pytest.fixture
def net(tmp_path: Path) -> Path:
    return write_net(tmp_path / "net.onnx")


@pytest.fixture
def phone(tmp_path: Path) -> Path:
    path = tmp_path / "phone.txt"
    path.write_text(TFLITE)
    return path


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "costs.sqlite"


def gpu(net: Path, store: Path) -> list[str | Path]:
    return ["--model", net, "--profile", "helio-g90", "--unit", "gpu", "--store", store]


def planned(capsys: pytest.CaptureFixture[str], *words: str | Path) -> dict[str, Any]:
    capsys.readouterr()
    assert run("plan", *words, "--profile", "helio-g90", "--json") == 0
    body: dict[str, Any] = json.loads(capsys.readouterr().out)
    return body


def test_a_phones_numbers_reach_the_plan(
    net: Path, phone: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("costs", "import", phone, *gpu(net, store)) == 0
    said = capsys.readouterr().out
    assert said.splitlines()[:2] == [
        "7 rows of tflite, for gpu of helio-g90",
        "ops: 1.000 ms in all, 7 of the model's 7 groups have a time now",
    ]
    pins = [f"--pin={op}=gpu" for op in ("conv", "dw", "pw", "sum")]
    body = planned(capsys, net, "--store", store, *pins)
    (part,) = (part for part in body["subgraphs"] if part["unit"] == "gpu")
    (estimated,) = (
        part for part in planned(capsys, net, *pins)["subgraphs"] if part["unit"] == "gpu"
    )
    assert part["main_origin"] == "measured"
    assert estimated["main_origin"] != "measured"
    # The four kernels: 400 + 200 + 250 + 50 us; what comes on top is dispatch and copies.
    assert 900_000 < part["end_ns"] - part["start_ns"] < 900_000 + 1_000_000
    (basis,) = (each["basis"] for each in body["cost_basis"] if each["unit"] == "gpu")
    assert basis.startswith("6 of 6 groups measured with tflite, 2 threads: spread of those runs")


def test_the_plan_says_how_its_costs_compare_with_the_whole(
    net: Path, phone: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words: list[str | Path] = [
        "--model",
        net,
        "--profile",
        "helio-g90",
        "--unit",
        "cpu-big",
        "--store",
        store,
    ]
    assert run("costs", "import", phone, *words) == 0
    assert run("plan", net, "--profile", "helio-g90", "--store", store) == 0
    said = " ".join(capsys.readouterr().out.split())
    # Kernels of 1 ms and the unit's dispatch, against 1 ms measured.
    total = 1_000_000 + profile("helio-g90").unit("cpu-big").dispatch_ns
    assert (
        f"cpu-big: the whole model was measured at 1.000 ms there, these costs say "
        f"{format_ns(total)} ({total / 1_000_000 - 1:+.0%})"
    ) in said


def test_json_says_the_same(
    net: Path, phone: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("costs", "import", phone, *gpu(net, store), "--json") == 0
    body = json.loads(capsys.readouterr().out)
    assert (body["profile"], body["unit"], body["framework"]) == ("helio-g90", "gpu", "tflite")
    assert (body["rows"], body["groups"], body["covered"], body["split"]) == (7, 7, 7, 0)
    assert body["total_ns"] == 1_000_000
    (network,) = body["networks"]
    assert network == {"name": str(net), "input_shape": "1x3x32x32", "latency_ns": 1_000_000}


def test_networks_become_rows_for_calibrate(tmp_path: Path, store: Path) -> None:
    from hetsched.cost.calibrate.rows import read_rows

    table = tmp_path / "bench.txt"
    known = "\n".join(line for line in NCNN.splitlines() if "mynet" not in line)
    table.write_text(known.replace("gpu_device = -1", "gpu_device = 0"))
    out = tmp_path / "rows.csv"
    words: list[str | Path] = [
        "--profile",
        "rk3588",
        "--unit",
        "gpu",
        "--store",
        store,
        "--rows-out",
        out,
    ]
    assert run("costs", "import", table, *words) == 0
    first, second = read_rows(out)
    assert (first.soc, first.unit, first.framework) == ("rk3588", "gpu", "ncnn vulkan")
    assert (first.model, first.input_shape, first.ms) == ("squeezenet_v1.1", "1x3x227x227", 8.87)
    assert (first.dtype, second.dtype) == ("fp16", "int8")
    assert run("costs", "import", table, *words) == 1  # the file exists
    assert run("costs", "import", table, *words, "--force") == 0


def test_a_network_without_input_shape_imports_nothing_when_rows_are_wanted(
    tmp_path: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "bench.txt"
    table.write_text(NCNN.replace("gpu_device = -1", "gpu_device = 0"))
    out = tmp_path / "rows.csv"
    words: list[str | Path] = [
        "--profile",
        "rk3588",
        "--unit",
        "gpu",
        "--store",
        store,
        "--rows-out",
        out,
    ]
    assert run("costs", "import", table, *words) == 1
    assert "bench.txt:10: the input shape of mynet isn't known" in capsys.readouterr().err
    assert not store.exists()
    assert not out.exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"0.250\t 25": "-0.25\t 25"}, "phone.txt:44: avg ms -0.25 is negative"),
        ({"0.250\t 25": "  nan\t 25"}, "phone.txt:44: avg ms is nan"),
        ({"0.200\t 20": "0.000\t 20"}, ""),
        ({TFLITE: ""}, "phone.txt is empty"),
        ({TFLITE: "hello"}, "phone.txt has no form that is known"),
    ],
)
def test_a_file_with_a_mistake_is_refused_as_a_whole(
    net: Path,
    phone: Path,
    store: Path,
    change: dict[str, str],
    message: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    ((before, after),) = change.items()
    assert before in TFLITE
    phone.write_text(TFLITE.replace(before, after))
    code = run("costs", "import", phone, *gpu(net, store))
    if not message:
        assert code == 0  # a depthwise convolution of 0.07 million MACs in under a tick is possible
        return
    assert code == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not store.exists()


def test_what_is_missing_or_unknown_is_named(
    net: Path, phone: Path, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for words, message in (
        (["--unit", "gpu"], "--profile is missing"),
        (["--profile", "helio-g90"], "--unit is missing"),
        (["--profile", "helio-g90", "--unit", "npu"], "has no such unit, only cpu-big, cpu-littl"),
        (["--profile", "helio-g90", "--unit", "gpu"], "with --model"),
    ):
        assert run("costs", "import", phone, "--store", store, *words) == 1
        assert message in capsys.readouterr().err
    assert run("plan", net, "--profile", "helio-g90", "--store", store) == 1
    assert "doesn't exist: `hetsched costs import`" in capsys.readouterr().err


def test_an_export_comes_back_without_options(
    net: Path, phone: Path, store: Path, tmp_path: Path
) -> None:
    assert run("costs", "import", phone, *gpu(net, store)) == 0
    out, other = tmp_path / "mine.csv", tmp_path / "other.sqlite"
    assert run("costs", "export", out, "--store", store) == 0
    assert run("costs", "import", out, "--store", other) == 0
    assert CostStore(other).records() == CostStore(store).records()


def test_a_users_store_that_is_broken_is_announced_and_one_asked_for_is_refused(
    net: Path, store: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store.write_bytes(b"no database at all" * 100)
    assert run("plan", net, "--profile", "helio-g90", "--store", store) == 1
    monkeypatch.setenv("HETSCHED_STORE", str(store))
    caplog.clear()
    assert run("plan", net, "--profile", "helio-g90") == 0
    assert f"planning with estimates alone: cost store {store} is damaged" in caplog.text


def test_the_users_store_is_used_without_asking(
    net: Path,
    phone: Path,
    store: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HETSCHED_STORE", str(store))
    words: list[str | Path] = ["--model", net, "--profile", "helio-g90", "--unit", "cpu-big"]
    assert run("costs", "import", phone, *words) == 0
    body = planned(capsys, net, *(f"--pin={op}=cpu-big" for op in ("conv", "dw", "pw", "sum")))
    assert {part["main_origin"] for part in body["subgraphs"] if part["unit"] == "cpu-big"} == {
        "measured"
    }


def test_a_unit_without_rates_is_planned_with_what_was_measured_there(
    net: Path, phone: Path, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = locate("helio-g90").read_text(encoding="utf-8")
    begin = text.index("[units.rates.float16]")
    own = tmp_path / "own.toml"
    own.write_text(text[:begin] + text[text.index("# ---", begin) :], encoding="utf-8")
    assert run("plan", net, "--profile", own) == 1
    assert "bring measurements with `hetsched costs import`" in capsys.readouterr().err
    words: list[str | Path] = ["--model", net, "--profile", own, "--unit", "gpu", "--store", store]
    assert run("costs", "import", phone, *words) == 0
    capsys.readouterr()
    pins = [f"--pin={op}=gpu" for op in ("conv", "dw", "pw", "sum")]
    assert run("plan", net, "--profile", own, "--store", store, *pins, "--json") == 0
    body = json.loads(capsys.readouterr().out)
    (part,) = (part for part in body["subgraphs"] if part["unit"] == "gpu")
    assert (part["main_origin"], "pw" in part["ops"]) == ("measured", True)
