"""ONNX in and out.

What enters: an ONNX file (`load`), which is checked, frozen to static shapes, simplified and named.
What leaves: a `Model` with its `Graph` as plain data, the features of its ops (`op_features`), and
parts of it as ONNX files again (`save_part`, `save_whole`). Files are never changed, and large
weights stay in them until something reads them.
"""
