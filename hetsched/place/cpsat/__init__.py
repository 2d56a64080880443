"""Placement by OR-Tools' CP-SAT. Nothing outside this folder imports ortools."""
