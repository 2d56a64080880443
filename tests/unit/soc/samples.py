"""Small profiles for tests."""

import re

from hetsched.data import data_dir
from hetsched.quantity import Origin
from hetsched.soc.figure import Figure
from hetsched.soc.profile import Dtype, Kind, Link, Profile, Rates, Unit

README = data_dir("profiles") / "README.md"
MINIMAL = re.findall(r"```toml\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)[0]
"""The profile that the documentation shows."""


def number(value: float, unit: str, low: float = 1.0, high: float = 1.0) -> Figure:
    return Figure(
        value=value, unit=unit, origin=Origin.ASSUMED, source="a test", low=low, high=high
    )


def rates(gmac_s: float = 1.0, gb_s: float = 1.0, per_op_us: float = 0.0) -> Rates:
    """The same rate for every class, the same bandwidth for all traffic."""
    rate, bandwidth = number(gmac_s, "GMAC/s"), number(gb_s, "GB/s")
    return Rates(
        pointwise=rate,
        spatial=rate,
        depthwise=rate,
        dense=rate,
        activations=bandwidth,
        weights=bandwidth,
        per_op=number(per_op_us, "us"),
    )


def unit(
    name: str,
    kind: Kind = "cpu",
    dtype: Dtype = "float32",
    framework: str = "onnxruntime",
    backend: str = "cpu",
    rates: dict[str, Rates] | None = None,
    reached_by: tuple[str, ...] = (),
) -> Unit:
    return Unit(
        name=name,
        kind=kind,
        dtype=dtype,
        framework=framework,
        backend=backend,
        dispatch=number(10, "us"),
        rates=rates or {},
        reached_by=reached_by,
    )


def link(first: str, second: str, latency_us: float = 100.0, gb_s: float | None = 1.0) -> Link:
    return Link(
        between=(first, second),
        latency=number(latency_us, "us"),
        bandwidth=None if gb_s is None else number(gb_s, "GB/s"),
    )


def three_units(rate: Rates | None = None) -> Profile:
    """A CPU, MACE's OpenCL GPU and MACE's APU, all with the same rates, 100 us and 1 GB/s apart."""
    cost = rate or rates()
    cpu = unit("cpu", rates={"float32": cost, "int8": cost}, reached_by=("cpu-arm",))
    gpu = unit("gpu", "gpu", "float16", "mace", "gpu-opencl", {"float16": cost}, ("gpu-vulkan",))
    apu = unit("apu", "npu", "int8", "mace", "apu", {"int8": cost}, ("nnapi",))
    return Profile(
        name="three",
        home="cpu",
        units=(cpu, gpu, apu),
        links=(link("cpu", "gpu"), link("cpu", "apu"), link("gpu", "apu")),
    )
