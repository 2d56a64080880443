"""Executors: stages of a model go in, executables on this machine's units come out.

One file or folder per kind; `base` is what each of them is. ONNX Runtime and OpenCL stop here.
"""
