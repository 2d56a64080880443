"""One export target per file; its `TARGET` is found by the file's name."""
