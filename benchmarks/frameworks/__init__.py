"""How each candidate runs a row.

A framework module has a class `Framework(threads)` with

    prepare(row, arrays) -> Prepared

and an object with the vocabulary that rows are written over. Tensors have Python's arithmetic operators; images are
[batch, height, width, channels] and filters [height, width, in, out] to a row, whatever the order in memory. A name that a
vocabulary lacks means that the candidate has no such thing: the row is then left out for it.
"""
from dataclasses import dataclass
from typing import Callable


class Unsupported(Exception):
    """This candidate cannot run this row."""


@dataclass
class Prepared:
    """`step()` runs the row once and returns when it is done; `results` are the arrays that candidates are compared by, in
    a row's order of dimensions."""
    step: Callable
    results: list


def as_list(results):
    return list(results) if isinstance(results, (list, tuple)) else [results]


LOSSES = 3  # of a training row that are compared
