"""Retrain a changed model in PyTorch: from the skeleton that hetsched exported, and back to ONNX.

Run as `python retrain.py digits.npz skeleton.onnx retrained.onnx`, where `hetsched refit` made the
skeleton (README.md has the commands).

Nothing of the skeleton's weights is kept: this is the paper's second scenario, full retraining.
"""

import sys
from pathlib import Path

from torch_graph import TorchGraph
from training import learn

if __name__ == "__main__":
    data, source, made = (Path(word) for word in sys.argv[1:])
    learn(TorchGraph(source), data, made)
