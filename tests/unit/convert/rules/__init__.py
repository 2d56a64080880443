"""Each rule: ops before and after, numbers on ONNX Runtime, and what it refuses."""
