"""What each plug-in provider is and how it is set up: data only.

A new provider is one more entry. Its package must have `get_library_path()`.
"""

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """A plug-in provider.

    Attributes:
        name: what the backend is called.
        package: the distribution that brings it.
        module: its import name.
        extra: hetsched's extra that installs it.
        ep_name: what ONNX Runtime calls it; it is registered by this name.
        about: what it is, in a few words.
        metadata: which of the provider's devices is meant, by what it says of itself.
        options: provider options; `{threads}` stands for the number of threads of a run.
        paths: provider options that are a path: the module's function that gives it.
        environment: variables set before the library is loaded, unless they are set already.
        context: the option that makes it save what it compiled.
        arithmetic: what float32 models are computed in.
        dtypes: that its arithmetic can be in.
        emulated_on: machines (`platform.machine()`) on which it only emulates its hardware.
        emulation_options: further options there.
        compiles_apart: its compiler may end the process: it runs in one of its own.
        prints: its library writes to stdout when it is first used.
        moves_threads: it changes the CPU affinity of threads that call it.
        gate: the library of hetsched that stands before the plug-in's; None to load that directly.
    """

    name: str
    package: str
    module: str
    extra: str
    ep_name: str
    about: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, str] = field(default_factory=dict)
    paths: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    context: str = "ep.context_enable"
    arithmetic: str = "float32"
    dtypes: tuple[str, ...] = ("float32",)
    emulated_on: tuple[str, ...] = ()
    emulation_options: Mapping[str, str] = field(default_factory=dict)
    compiles_apart: bool = False
    prints: bool = False
    moves_threads: bool = False
    gate: str | None = None

    @property
    def emulated(self) -> bool:
        """Whether this machine only emulates its hardware."""
        return platform.machine() in self.emulated_on

    @property
    def shown(self) -> str:
        """Its name in mappings and results."""
        return f"{self.name} (emulated)" if self.emulated else self.name


OPENVINO = Provider(
    name="openvino",
    package="onnxruntime-ep-openvino",
    module="onnxruntime_ep_openvino",
    extra="openvino",
    ep_name="OpenVINOExecutionProvider",
    about="OpenVINO on this machine's CPU",
    metadata={"ov_device": "CPU"},
    # One stream: the runtime has several requests in flight, not a unit. Pinning would bind every
    # caller to the same core. float32: by default OpenVINO may compute in bfloat16.
    options={
        "load_config": '{"CPU": {"INFERENCE_NUM_THREADS": "{threads}", "NUM_STREAMS": "1", '
        '"ENABLE_CPU_PINNING": "false", "INFERENCE_PRECISION_HINT": "f32"}}',
    },
    dtypes=("float32", "int8"),
    moves_threads=True,
    gate="_openvino_gate.so",
)

QNN = Provider(
    name="qnn",
    package="onnxruntime-qnn",
    module="onnxruntime_qnn",
    extra="qnn",
    ep_name="QNN",
    about="Qualcomm's HTP (Hexagon NPU)",
    options={"enable_htp_fp16_precision": "1"},
    paths={"backend_path": "get_qnn_htp_path"},
    arithmetic="float16",
    dtypes=("float16", "int8"),
    emulated_on=("x86_64",),
    # Snapdragon 8 Gen 2. The emulation finalizes no graph for soc_model 30 with htp_arch 68.
    emulation_options={"htp_arch": "73", "soc_model": "43"},
    compiles_apart=True,
    prints=True,
)

PROVIDERS: Mapping[str, Provider] = {row.name: row for row in (OPENVINO, QNN)}
"""By the backend's name."""
