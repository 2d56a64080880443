"""Rates from published measurements of whole networks.

`features` and `rows` read tables, `fit` finds coefficients, `prior` says where a fit starts,
`quality` says how far predictions are off, `unit` does one dtype of one unit, `write` puts the
result into a profile file.
"""
