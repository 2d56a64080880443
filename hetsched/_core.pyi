"""hetsched's native core."""
