# The commands of the README. Each does its own set-up and can be run again.
PYTHON := .venv/bin/python
BUILD := build/dev
PACKAGE := $(BUILD)/python
C_FILES := '*.h' '*.hpp' '*.cc' '*.c'
# One cache serves every clone.
export CCACHE_BASEDIR ?= $(CURDIR)
export CCACHE_NOHASHDIR ?= 1

.PHONY: help setup build test targets conformance demo bench peers gate check headers sizes asan ubsan tsan fuzz format wheel clean

help:
	@echo "make demo    train a small network on real digits, then use it from C and C++"
	@echo "make test    the quick tests; make targets: those of kernels, on narrower vectors"
	@echo "make conformance  how much of what TensorFlow 1.15.5 gave is given here, by family"
	@echo "make bench   the benchmarks; make peers: installs the libraries that they compare with"
	@echo "make gate    instructions that the executor takes per operation, against those recorded (RECORD=--record: anew)"
	@echo "make check   format, lint and layers; make headers: each compiles alone; make sizes: nothing grew by accident"
	@echo "make asan    the quick C++ tests under the address and undefined-behaviour sanitizers; tsan: thread sanitizer"
	@echo "make fuzz    the readers of graphs and checkpoints on made-up bytes, FUZZ_SECONDS (30) for each"
	@echo "make format  clang-format and ruff over the tree"
	@echo "make wheel   a wheel in dist/ that runs on any recent Linux"

setup:
	@tools/setup.sh build run test dev

build: setup
	@cmake --preset dev -DPython3_EXECUTABLE=$(CURDIR)/$(PYTHON) --log-level=WARNING > /dev/null
	@cmake --build $(BUILD) --target all python_dev

test: build
	@ctest --test-dir $(BUILD) --output-on-failure
	@PYTHONPATH=$(PACKAGE) $(PYTHON) -m pytest -q tests/python tests/ops/test_opdefs.py

# The kernels' tests as on processors with narrower vectors.
TARGETS ?= $(if $(filter x86_64,$(shell uname -m)),AVX2 SSE4)
targets: build
	@for t in $(TARGETS); do TW_TEST_TARGET=$$t $(BUILD)/tests/test_kernels --gtest_brief=1 || exit 1; done

conformance: build
	@$(PYTHON) tests/conformance/score.py --build $(BUILD)

demo: build
	@cmake --install $(BUILD) --prefix $(BUILD)/install --component core > /dev/null
	@PYTHONPATH=$(PACKAGE) $(PYTHON) examples/digits/train.py --out demo-out
	@PYTHONPATH=$(PACKAGE) examples/digits/use_from_c.sh $(BUILD)/install demo-out

# PEERS holds the environments of other libraries, which `make peers` makes; BENCH is passed on, as in
# make bench BENCH="--family gemm --threads 1 --peers tensorflow"
PEERS ?= build/peers
bench: setup
	@cmake --preset bench -DPython3_EXECUTABLE=$(CURDIR)/$(PYTHON) > /dev/null
	@cmake --build build/bench --target all python_dev
	@# Peers come with their bytecode, as pip leaves it.
	@$(PYTHON) -m compileall -q python/thalweg build/bench/python/thalweg
	@PYTHONPATH=build/bench/python $(PYTHON) -m benchmarks --bin build/bench/benchmarks --peers-dir $(PEERS) $(BENCH)

peers: setup
	@$(PYTHON) -m benchmarks.peers --into $(PEERS)

gate:
	@tools/setup.sh build run test gate dev
	@cmake --preset bench -DPython3_EXECUTABLE=$(CURDIR)/$(PYTHON) --log-level=WARNING > /dev/null
	@cmake --build build/bench --target executor_gate
	@$(PYTHON) tools/instruction_gate.py build/bench/benchmarks/executor_gate $(RECORD)

check:
	@tools/setup.sh check
	@git ls-files $(C_FILES) | xargs .venv/bin/clang-format --dry-run -Werror
	@$(PYTHON) tools/check_layers.py
	@$(PYTHON) -m ruff check --quiet python tools tests examples benchmarks

headers: setup
	@cmake --preset dev -DPython3_EXECUTABLE=$(CURDIR)/$(PYTHON) --log-level=WARNING > /dev/null
	@cmake --build $(BUILD) --target check_headers

sizes: setup
	@cmake --preset release -DPython3_EXECUTABLE=$(CURDIR)/$(PYTHON) --log-level=WARNING > /dev/null
	@cmake --build build/release --target thalweg
	@$(PYTHON) tools/size_ledger.py build/release/libthalweg.so

asan ubsan tsan: setup
	@cmake --preset $@ -DPython3_EXECUTABLE=$(CURDIR)/$(PYTHON) --log-level=WARNING > /dev/null
	@cmake --build build/$@
	@ctest --test-dir build/$@ --output-on-failure

FUZZ_SECONDS ?= 30
fuzz: setup
	@tools/setup.sh build fuzz dev
	@cmake --preset fuzz -DPython3_EXECUTABLE=$(CURDIR)/$(PYTHON) --log-level=WARNING > /dev/null
	@cmake --build build/fuzz --target fuzzers
	@tools/fuzz.sh build/fuzz/tests/fuzz $(FUZZ_SECONDS)

format:
	@tools/setup.sh check
	@git ls-files $(C_FILES) | xargs .venv/bin/clang-format -i
	@$(PYTHON) -m ruff check --fix --quiet python tools tests examples benchmarks

wheel:
	@tools/setup.sh build wheel dev
	@tools/make_wheel.sh

clean:
	rm -rf build dist demo-out
