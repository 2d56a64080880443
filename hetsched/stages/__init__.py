"""Work that the host does around a model: ready-made stages, and how stages cross to a process.

Each ready-made stage is a frozen object with parameters that is called with one value; the arrays
it takes and gives are in its docstring.
"""
