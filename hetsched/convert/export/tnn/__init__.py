"""Writing TNN models: a text file of layers (`.tnnproto`), a binary one of weights (`.tnnmodel`).

`net` turns a part into layers with the help of `layers/`, one file per family; `files` writes them;
`read_back` has an independent reader run them. Facts of the format come from TNN's own
interpreters.

Source: Tencent/TNN, source/tnn/interpreter/tnn and source/tnn/core/layer_type.cc, version 0.3.
"""
