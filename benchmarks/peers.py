"""Makes the environments of the peers, one for each library, so that none meets another's dependencies.

    python -m benchmarks.peers --into DIR [tensorflow torch jax onnxruntime litert]

`python -m benchmarks --peers-dir DIR` then finds them. A package that an index does not have is reported and the other peers
are made all the same. The versions are those that the figures in docs/performance.md were taken with.
"""
import argparse
import os
import subprocess
import sys
import venv

# environment -> what pip installs into it
ENVIRONMENTS = {
    "tensorflow": ["tensorflow-cpu==2.21.0", "numpy"],
    "torch": ["torch==2.13.0+cpu", "setuptools", "numpy"],  # setuptools: torch.compile looks for it
    "jax": ["jax==0.10.2", "jaxlib==0.10.2", "numpy"],
    "onnxruntime": ["onnxruntime==1.32.0", "onnx==1.23.2", "numpy"],
    "litert": ["ai-edge-litert==2.3.0", "numpy"],
}


def python_of(folder, environment):
    """The environment's interpreter, whether it is there or not."""
    return os.path.join(folder, environment, "Scripts" if os.name == "nt" else "bin", "python")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--into", required=True, metavar="DIR", type=os.path.abspath)
    parser.add_argument("names", nargs="*", metavar="NAME", help="of %s; all by default" % ", ".join(ENVIRONMENTS))
    args = parser.parse_args()
    unknown = set(args.names) - set(ENVIRONMENTS)
    if unknown:
        parser.error("no such peer: " + ", ".join(sorted(unknown)))
    failed = []
    for name in args.names or ENVIRONMENTS:
        python = python_of(args.into, name)
        if not os.path.exists(python):
            venv.create(os.path.join(args.into, name), with_pip=True)
        print(f"{name}: {' '.join(ENVIRONMENTS[name])}", flush=True)
        if subprocess.run([python, "-m", "pip", "install", "--quiet", *ENVIRONMENTS[name]]).returncode != 0:
            failed.append(name)
    if failed:
        print("could not be installed: " + ", ".join(failed), file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
