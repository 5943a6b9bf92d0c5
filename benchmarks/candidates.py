"""Who runs the rows: for each candidate the module in frameworks/, the environment it lives in, and how its process starts."""
import os
import sys
from dataclasses import dataclass

from .peers import python_of

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


@dataclass(frozen=True)
class Candidate:
    name: str
    framework: str            # module of frameworks/
    environment: str = ""     # of peers.py; the Python that runs the benchmarks where empty
    families: tuple = ()      # only these; all where empty


CANDIDATES = {c.name: c for c in (
    Candidate("thalweg", "tf1"),
    Candidate("tensorflow", "tf1", "tensorflow"),
    Candidate("xla", "xla", "tensorflow"),
    Candidate("torch", "torch", "torch"),
    # It takes seconds to minutes to compile a row; elsewhere it would call the same kernels as torch.
    Candidate("torch_compile", "torch", "torch", ("elementwise", "softmax_norm", "train", "inference")),
    Candidate("jax", "jax", "jax"),
    Candidate("onnxruntime", "onnx", "onnxruntime"),
    Candidate("litert", "litert", "litert"),
    Candidate("numpy", "numpy"),
)}


def python_for(name, peers_dir):
    """The interpreter of a candidate, or None where its environment is not there."""
    environment = CANDIDATES[name].environment
    if not environment:
        return sys.executable
    python = python_of(peers_dir, environment) if peers_dir else None
    return python if python and os.path.exists(python) else None


def cores(threads):
    """The cores that a candidate with so many threads is confined to."""
    allowed = sorted(os.sched_getaffinity(0))
    if threads > len(allowed):
        raise SystemExit(f"{threads} threads were asked for, but only {len(allowed)} cores may be used")
    return set(allowed[:threads])


def environment_for(name, threads, peers_dir):
    """The process's environment: its libraries' thread counts, no accelerator, and Thalweg's package for Thalweg alone."""
    variables = dict(os.environ, CUDA_VISIBLE_DEVICES="", TF_CPP_MIN_LOG_LEVEL="3", JAX_PLATFORMS="cpu",
                     BENCHMARK_PEERS=peers_dir or "")
    for count in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        variables[count] = str(threads)
    # Some machines force an older OpenBLAS kernel, which would slow numpy.
    for forced in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
        variables.pop(forced, None)
    if name != "thalweg":
        variables.pop("PYTHONPATH", None)
    return variables
