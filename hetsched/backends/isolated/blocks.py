"""Which parts of an arena are taken; pure."""

from bisect import bisect_left

ALIGN_BYTES = 64
"""Blocks start at multiples of this: a cache line, and what vector instructions like best."""


class Blocks:
    """First fit over a sorted list of gaps.

    Attributes:
        size: end of the arena as far as it was ever needed.
    """

    def __init__(self) -> None:
        """Start with nothing taken."""
        self.size = 0
        self._gaps: list[tuple[int, int]] = []  # (offset, bytes), never touching
        self._taken: dict[int, int] = {}

    def take(self, nbytes: int) -> int:
        """Offset of a block of that many bytes; the arena may have to grow to `size` for it."""
        wanted = max(-(-nbytes // ALIGN_BYTES), 1) * ALIGN_BYTES
        for index, (offset, length) in enumerate(self._gaps):
            if length < wanted:
                continue
            if length == wanted:
                del self._gaps[index]
            else:
                self._gaps[index] = (offset + wanted, length - wanted)
            self._taken[offset] = wanted
            return offset
        return self._take_at_end(wanted)

    def _take_at_end(self, wanted: int) -> int:
        offset = self.size
        if self._gaps and sum(self._gaps[-1]) == self.size:
            offset = self._gaps.pop()[0]
        self.size = offset + wanted
        self._taken[offset] = wanted
        return offset

    def free(self, offset: int) -> None:
        """Give a block back.

        Raises:
            KeyError: when no block starts there.
        """
        start, end = offset, offset + self._taken.pop(offset)
        index = bisect_left(self._gaps, (start, 0))
        if index < len(self._gaps) and self._gaps[index][0] == end:
            end += self._gaps.pop(index)[1]
        if index and sum(self._gaps[index - 1]) == start:
            start = self._gaps.pop(index - 1)[0]
            index -= 1
        self._gaps.insert(index, (start, end - start))
