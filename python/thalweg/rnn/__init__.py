"""Recurrent networks: cells, the wrappers around them, and what unrolls them over time."""
