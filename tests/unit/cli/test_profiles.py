import json

import pytest

from hetsched.cli import main
from hetsched.soc.catalog import names, profile


def run(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    """Exit code, standard output, standard error of `hetsched profiles ...`."""
    with pytest.raises(SystemExit) as stop:
        main(["profiles", *words])
    captured = capsys.readouterr()
    return int(stop.value.code or 0), captured.out, captured.err


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys)
    assert code == 0
    assert "helio-g90" in out
    assert "MediaTek Helio G90" in out
    assert "--profile host" in out
    assert max(len(line) for line in out.splitlines()) <= 80


def test_list_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "--json")
    found = {row["name"]: row for row in json.loads(out)}
    assert found["helio-g90"]["units"] == ["cpu-big", "cpu-little", "gpu", "apu"]
    assert found["helio-g90"]["sha256"] == profile("helio-g90").sha256


@pytest.mark.parametrize("more", [(), ("--sources",)])
def test_show_fits_80_columns_and_names_origins(
    capsys: pytest.CaptureFixture[str], more: tuple[str, ...]
) -> None:
    code, out, _ = run(capsys, "show", "helio-g90", *more)
    assert code == 0
    assert max(len(line) for line in out.splitlines()) <= 80
    assert "cpu-big     cpu  2x Cortex-A76       float32" in out
    assert "  power                  1165 mW          datasheet   -50% +20%" in out
    assert "  memory limit           unknown" in out
    assert "Not known about this SoC:" in out
    assert ("vendor kernel" in out) is bool(more)


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("helio-g90", ["  waking it up           cost unknown; awake for 2 s after a stage",
                       "  clocks                 2002, 1670, 774 MHz, datasheet",
                       "  sustained power        2.5 W            assumed     -20% +20%"]),
        ("jetson-agx-xavier", ["  mode 15W: 7.6 W; time of cpu 4.71 x",
                               "  mode MaxQ: 25 W; time of gpu 1.41 x, dla0 1.41 x, dla1 1.41 x"]),
        ("rk3588", ["  usable by all units    29 GB/s          measured    -20% +10%",
                    "  board, all cores       17 W             measured"]),
        ("rk3568", ["heat: unknown", "  waking it up           cost unknown"]),
    ],
)  # fmt: skip
def test_show_says_what_is_known_of_clocks_sleep_and_heat(
    capsys: pytest.CaptureFixture[str], name: str, lines: list[str]
) -> None:
    code, out, _ = run(capsys, "show", name)
    assert code == 0
    assert max(len(line) for line in out.splitlines()) <= 80
    for line in lines:
        assert line in out.splitlines()


@pytest.mark.parametrize("name", names())
def test_every_profile_is_shown_in_80_columns(
    capsys: pytest.CaptureFixture[str], name: str
) -> None:
    code, out, _ = run(capsys, "show", name, "--sources", "--rows")
    assert code == 0
    assert max(len(line) for line in out.splitlines()) <= 80


def test_show_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "show", "helio-g90", "--json")
    content = json.loads(out)
    assert content["sha256"] == profile("helio-g90").sha256
    unit = content["units"][0]
    assert unit["dispatch"]["origin"] == "assumed"
    assert unit["rates"]["float32"]["pointwise"]["unit"] == "GMAC/s"


def test_unknown_name_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, err = run(capsys, "show", "helio-g09")
    assert (code, out) == (1, "")
    assert err.startswith("error: unknown profile 'helio-g09': did you mean 'helio-g90'?")
    assert err.count("\n") == 1
