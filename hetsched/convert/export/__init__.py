"""Getting out: a model, or the parts of a plan, as what another framework takes.

A model and its parts go in, a new folder comes out: the target's files, a README, and a report that
says how each part was proven. `frame` does what all targets share; each target is one file in
`targets/`.
"""
