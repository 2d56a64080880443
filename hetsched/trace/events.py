"""One event: 40 bytes, little-endian, the same in files, in NumPy and in the native core."""

from enum import IntEnum

import numpy as np

EVENT = np.dtype(
    [
        ("time_ns", "<i8"),
        ("request", "<i8"),
        ("value", "<i8"),
        ("kind", "<i2"),
        ("unit", "<i2"),
        ("app", "<i4"),
        ("stage", "<i4"),
        ("_pad", "<i4"),
    ]
)
"""Fields of an event; -1 where a field doesn't apply, 0 in `_pad`.

`time_ns` is of the trace's clock. `request` is the dispatcher's number, unique in a trace. `unit`
is an index in the header's units, `app` the number of one of the trace's apps, `stage` an index in
that app's stages (of its host stages in HOST_STARTED and HOST_ENDED). `value` is what the kind
says.
"""

NONE = -1
"""The value of a field that doesn't apply."""


class Kind(IntEnum):
    """What happened. Numbers are for ever: new kinds go to the end."""

    SUBMITTED = 0
    """A request came; value = its deadline in ns since then, -1 for none."""
    STARTED = 1
    """A stage was started on a unit."""
    ENDED = 2
    """A stage has ended on a unit."""
    FINISHED = 3
    """A request has ended; value = index in `hetsched.dispatch.STATUSES`."""
    FAILED = 4
    """A stage has failed on a unit; value = 1 when it will be run again, else 0."""
    UNIT_DOWN = 5
    """A unit takes no stages any more."""
    UNIT_UP = 6
    """A unit takes stages again."""
    DEPLOYED = 7
    """An app, or a new plan of one, takes requests from now on; value = its number."""
    FREQUENCY = 8
    """A unit's clock rate; value in Hz."""
    TEMPERATURE = 9
    """A unit's temperature, the SoC's where unit is -1; value in thousandths of a degree C."""
    POWER = 10
    """What a unit draws, the SoC where unit is -1; value in mW."""
    COPIED = 11
    """A stage's inputs have been copied to its unit; value in bytes."""
    HOST_STARTED = 12
    """A host stage of a request was started."""
    HOST_ENDED = 13
    """A host stage of a request has ended; value = 1 when it failed, else 0 or -1."""
    RESTARTED = 14
    """A request is computed anew; value = the number under which it goes on, and ends."""
