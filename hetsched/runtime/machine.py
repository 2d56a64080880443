"""The state of this machine: what is free, and whether others keep it busy."""

import msgspec

BUSY = 0.5
"""Share of the cores that is wanted, from which on times aren't to be trusted. A choice."""


class Machine(msgspec.Struct, frozen=True, kw_only=True):
    """Memory and load now.

    Attributes:
        cores: logical ones of the machine.
        memory_bytes: of the machine.
        available_bytes: of memory, without swapping.
        load: threads that wanted to run, over the last minute.
    """

    cores: int
    memory_bytes: int
    available_bytes: int
    load: float

    @property
    def is_busy(self) -> bool:
        """Whether times measured now would be others' as well."""
        return self.load > BUSY * self.cores


def machine() -> Machine:
    """Look at the machine."""
    import psutil  # not needed by who only runs plans

    memory = psutil.virtual_memory()
    return Machine(
        cores=psutil.cpu_count() or 1,
        memory_bytes=memory.total,
        available_bytes=memory.available,
        load=psutil.getloadavg()[0],
    )
