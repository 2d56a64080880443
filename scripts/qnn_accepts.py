"""Record what QNN's HTP compiler takes of the zoo: tests/conformance/qnn_htp.csv.

    pip install onnxruntime onnxruntime-qnn           # an environment of its own will do
    python scripts/qnn_accepts.py FOLDER > tests/conformance/qnn_htp.csv

FOLDER holds the prepared models: `save_whole(load("zoo:NAME"), Path("FOLDER/NAME.onnx"))` for each.
The compiler runs in its own emulation on x86-64 Linux. Float models are computed in float16, as
the HTP does. The session isn't optimised, so that ops are the model's own; each model is compiled
to the end, since some ops pass the first question and fail there.
"""

import csv
import sys
from collections import Counter
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import onnx
import onnxruntime as ort
import onnxruntime_qnn as qnn

HTP_ARCH, SOC_MODEL = "73", "43"
"""Snapdragon 8 Gen 2, which the emulation finalizes graphs for."""


def session(path: Path) -> ort.InferenceSession:
    """A compiled session that knows which ops went where."""
    options = ort.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    devices = [device for device in ort.get_ep_devices() if device.ep_name == "QNN"]
    provider = {
        "backend_path": qnn.get_qnn_htp_path(),
        "htp_arch": HTP_ARCH,
        "soc_model": SOC_MODEL,
        "enable_htp_fp16_precision": "1",
    }
    options.add_provider_for_devices(devices, provider)
    return ort.InferenceSession(path, options)


def taken(path: Path) -> set[str]:
    """Names of the nodes that QNN took; its own layout changes rename some: `NAME_token_1`."""
    found = set()
    for part in session(path).get_provider_graph_assignment_info():
        if part.ep_name == "QNN":
            found |= {node.name.split("_token_")[0] for node in part.get_nodes()}
    return found


def main() -> None:
    """Print one row per model and op type."""
    ort.register_execution_provider_library("QNN", qnn.get_library_path())
    write = csv.writer(sys.stdout, lineterminator="\n").writerow
    print(
        f"# onnxruntime-qnn {version('onnxruntime-qnn')}, onnxruntime {version('onnxruntime')}, "
        f"htp_arch {HTP_ARCH}, soc_model {SOC_MODEL}, {datetime.now(UTC).date()}"
    )
    write(("model", "op_type", "ops", "taken", "failed"))
    for path in sorted(Path(sys.argv[1]).glob("*.onnx")):
        nodes = onnx.load(path, load_external_data=False).graph.node
        counts = Counter(node.op_type for node in nodes)
        try:
            names = taken(path)
        except Exception as error:  # noqa: BLE001  (whatever the compiler fails with is the finding)
            reason = " ".join(str(error).split())[:160]
            for op_type, count in sorted(counts.items()):
                write((path.stem, op_type, count, 0, reason))
            continue
        kept = Counter(node.op_type for node in nodes if node.name in names)
        for op_type, count in sorted(counts.items()):
            write((path.stem, op_type, count, kept[op_type], ""))


if __name__ == "__main__":
    main()
