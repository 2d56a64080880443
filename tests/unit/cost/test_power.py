"""Power meters on made-up system folders: what is there is read, what isn't is absent."""

from pathlib import Path

import pytest

from hetsched.cost.power import Meter, Power, measure_power, meters


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")
    return root


def test_a_machine_that_tells_nothing_has_no_meters(tmp_path: Path) -> None:
    assert meters(tmp_path) == ()
    # A battery that is being charged, a zone that can't be read as a number, a mains adapter.
    write(tmp_path, {
        "class/power_supply/BAT0/type": "Battery",
        "class/power_supply/BAT0/status": "Charging",
        "class/power_supply/BAT0/power_now": "5000000",
        "class/power_supply/AC/type": "Mains",
        "class/powercap/intel-rapl:0/energy_uj": "denied",
    })  # fmt: skip
    assert meters(tmp_path) == ()


def test_packages_count_and_not_their_parts(tmp_path: Path) -> None:
    write(tmp_path, {
        "class/powercap/intel-rapl:0/name": "package-0",
        "class/powercap/intel-rapl:0/energy_uj": "1000",
        "class/powercap/intel-rapl:0/max_energy_range_uj": "9999",
        "class/powercap/intel-rapl:0:0/name": "core",
        "class/powercap/intel-rapl:0:0/energy_uj": "500",
    })  # fmt: skip
    (meter,) = meters(tmp_path)
    assert (meter.name, meter.kind, meter.wraps_at_uj) == ("package-0", "rapl", 9999)


def test_sensors_and_a_drained_battery_tell_power(tmp_path: Path) -> None:
    write(tmp_path, {
        "class/hwmon/hwmon0/name": "ina226",
        "class/hwmon/hwmon0/power1_input": "2500000",
        "class/hwmon/hwmon0/power1_label": "VDD_CPU",
        "class/hwmon/hwmon1/energy1_input": "77",
        "class/power_supply/BAT0/type": "Battery",
        "class/power_supply/BAT0/status": "Discharging",
        "class/power_supply/BAT0/voltage_now": "4000000",
        "class/power_supply/BAT0/current_now": "-500000",
    })  # fmt: skip
    found = {meter.name: meter for meter in meters(tmp_path)}
    assert list(found) == ["ina226 VDD_CPU", "hwmon1 energy1", "BAT0"]
    sensor, battery = found["ina226 VDD_CPU"].power, found["BAT0"].power
    assert sensor is not None
    assert battery is not None
    assert sensor() == 2.5e6
    assert battery() == 2e6  # 4 V * 0.5 A


class Counter:
    """An energy counter that grows with each call of the work, and wraps."""

    def __init__(self, path: Path, step_uj: int, wraps_at_uj: int) -> None:
        self.path, self.step, self.wraps = path, step_uj, wraps_at_uj
        path.write_text(str(wraps_at_uj - 1))

    def work(self) -> None:
        self.path.write_text(str((int(self.path.read_text()) + self.step) % self.wraps))


def test_a_wrapped_counter_gives_no_negative_power(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # One piece of work of 5000 uJ in 2 s of a made-up clock, from 9999 past the wrap at 10000.
    counter = Counter(tmp_path / "energy_uj", 5000, 10_000)
    seconds, ends = iter([0.0, 2.0, 0.0, 2.0]), iter([0.0, 0.0, 9.0, 0.0, 0.0, 9.0])
    monkeypatch.setattr("hetsched.cost.power.perf_counter", lambda: next(seconds))
    monkeypatch.setattr("hetsched.cost.power.monotonic", lambda: next(ends))
    meter = Meter(name="m", kind="rapl", energy=counter.path, wraps_at_uj=10_000)
    power = measure_power(meter, counter.work, seconds=1.0, idle=lambda _: None)
    assert power is not None
    # 5000 uJ / 2 s = 2500 uW.
    assert (power.busy_mw, power.idle_mw, power.drawn_mw) == (2.5, 0.0, 2.5)


def test_a_meter_that_fails_gives_nothing(tmp_path: Path) -> None:
    meter = Meter(name="m", kind="rapl", energy=tmp_path / "gone")
    assert measure_power(meter, lambda: None, seconds=0.001, idle=lambda _: None) is None


def test_running_never_draws_less_than_nothing() -> None:
    meter = Meter(name="m", kind="hwmon")
    assert Power(meter=meter, busy_mw=5.0, idle_mw=9.0, seconds=1.0).drawn_mw == 0.0
