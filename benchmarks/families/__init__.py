"""The rows of the table, a module for each family with a tuple ROWS."""
import importlib

NAMES = ("gemm", "batched", "conv", "elementwise", "softmax_norm", "reduce", "move", "optimizer", "train", "inference",
         "session")


def rows(family):
    return importlib.import_module("benchmarks.families." + family).ROWS


def find(family, name):
    return next(row for row in rows(family) if row.name == name)
