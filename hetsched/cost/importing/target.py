"""What a file of measurements is about, as its reader was told."""

from dataclasses import dataclass

from hetsched.cost.importing.record import ImportedCost
from hetsched.cost.store_records import Facts
from hetsched.ir.model import Model
from hetsched.soc.profile import Profile, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What was measured, and when.

    Attributes:
        profile: of the device.
        unit: of the profile.
        model: that the kernels belong to, None for tables of whole networks.
        source: the file's name.
        date: for rows without one.
        whole_table: whether all rows of the file are there.
        whole_ns: of a plain run of the whole model, None where it isn't known.
    """

    profile: Profile
    unit: Unit
    model: Model | None
    source: str
    date: str
    whole_table: bool = True
    whole_ns: int | None = None

    def dtype(self, row: ImportedCost) -> str:
        """A row's arithmetic dtype; the unit's own where nothing else is said."""
        return row.dtype or self.unit.dtype

    def facts(self, row: ImportedCost) -> Facts:
        """The key of a row's entry."""
        dtype = self.dtype(row)
        return foreign_facts(
            self.profile, self.unit, row.framework, row.backend, dtype, row.threads
        )


def foreign_facts(
    profile: Profile, unit: Unit, framework: str, backend: str, dtype: str, threads: int | None
) -> Facts:
    """What tells a unit that isn't at hand from others: the key of its entries."""
    return {
        "profile": profile.name,
        "unit": unit.name,
        "framework": framework,
        "backend": backend,
        "dtype": dtype,
        "threads": threads or 0,
    }
