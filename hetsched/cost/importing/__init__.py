"""Measurements made elsewhere, brought in: the person with the phone can bring its numbers.

Enters: a file that another tool wrote (ONNX Runtime's profiler, TFLite's benchmark_model, ncnn's
benchncnn, MNN's benchmark.out) or a CSV; one file here per format. Leaves: `ImportedCost` rows, and
from them entries of the cost store, mapped to a model's ops where a model is given.
"""

from hetsched.cost.importing.read import FORMATS, read_measurements
from hetsched.cost.importing.record import ImportedCost

__all__ = ["FORMATS", "ImportedCost", "read_measurements"]
