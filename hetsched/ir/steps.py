"""The steps of preparing a graph, in their order."""

import onnx_ir as ir
import onnx_ir.passes.common as passes

from hetsched.ir.names import name_everything
from hetsched.ir.shapes import fill_shapes, forget_shapes, run_inference
from hetsched.ir.simplify import inline_functions, lift_constants, simplify


def prepare(model: ir.Model, *, keep_ifs: bool = True) -> None:
    """Infer shapes, simplify, sort and name, in place.

    Args:
        model: what is to be prepared.
        keep_ifs: leave every If whole; else one whose condition is constant becomes its branch.
    """
    inline_functions(model)
    passes.TopologicalSortPass()(model)
    name_everything(model)
    lift_constants(model)
    declared = forget_shapes(model)
    run_inference(model)
    simplify(model, keep_ifs=keep_ifs)
    if fill_shapes(model, declared):
        run_inference(model)
        simplify(model, keep_ifs=keep_ifs)
    name_everything(model)
