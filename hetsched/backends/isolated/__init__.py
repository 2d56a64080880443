"""Any backend in a child process: a driver that crashes doesn't take the application along.

`backend.py` is the application's side, `child.py` the other one; this file imports nothing because
the child loads it too.
"""
