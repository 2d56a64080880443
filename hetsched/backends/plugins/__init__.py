"""ONNX Runtime's plug-in providers: a model's stages go in, sessions on another engine come out.

`table` says what each provider is and how it is set up; all the rest is the same for every one of
them. A stage is taken whole or refused by name: what a provider leaves to the CPU is never silent.
Nothing is imported here, so that a compiler's own process starts quickly.
"""
