"""From an op to launches of the kernels in `native/opencl`; nothing here touches a device.

One file per kind of op. `table.lower` is the way in: what it can't lower, it refuses with the
reason, so that what is promised and what is run are the same code.
"""
