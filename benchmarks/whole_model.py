"""A whole model, as a plan of one stage and as its peer: a plain session of ONNX Runtime."""

import onnxruntime as ort

from hetsched.ir.model import Model
from hetsched.plan.build import plan as make_plan
from hetsched.plan.model import Plan
from hetsched.soc.catalog import profile


def one_subgraph(model: Model) -> Plan:
    """The whole model on one unit of helio-g90."""
    unit = profile("helio-g90").home
    pins = {op.name: unit for op in model.graph.ops}
    plan = make_plan(model, profile("helio-g90"), pins=pins)
    assert len(plan.subgraphs) == 1, f"{len(plan.subgraphs)} subgraphs"
    return plan


def session(model: Model) -> ort.InferenceSession:
    """One thread, all of ONNX Runtime's optimisations."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(str(model.path), options, providers=["CPUExecutionProvider"])
