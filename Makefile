# make train | test | lint | docs | soak | bench | sanitize: each sets up what it needs, from constraints.txt, and does it.

PYTHON ?= python3
CXX ?= g++
BIN := .venv/bin
BENCH := .venv-bench/bin
INSTALL := pip install --quiet --disable-pip-version-check --constraint constraints.txt

# What builds the extension is installed beside it, so that a change of native/ compiles that file alone.
BUILD_TOOLS := cmake nanobind ninja scikit-build-core
EDITABLE = --no-build-isolation --config-settings=build-dir=$(@D)/build --editable
SOURCES := pyproject.toml CMakeLists.txt $(wildcard native/*.*)

.PHONY: train test lint docs soak bench sanitize check-kernels clean

train: .venv/ready-to-train
	$(BIN)/treadle train fashion-mnist

test: .venv/ready-to-develop
	$(BIN)/pytest

lint: .venv/ready-to-develop
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

# The documentation's examples are run, and their output compared, here and in `make test`.
docs: .venv/ready-to-develop
	$(BIN)/pytest README.md docs

# Spoiled files and formulas at every loader; `make test` takes 2000 of them.
soak: .venv/ready-to-develop
	TREADLE_FUZZ_CASES=300000 $(BIN)/pytest tests/attacks/test_mutations.py -s

bench: .venv-bench/ready
	$(BENCH)/python benchmarks/run.py
	$(BENCH)/python benchmarks/estimators.py

# The tests of the native engine under the compiler's sanitizers: each has an environment with an extension of its
# own, and everything else from .venv. Leaks are Python's, and not looked for. libstdc++ is loaded before Python, or
# the sanitizer would not find what it throws exceptions with.
SANITIZED = LD_PRELOAD="$$($(CXX) -print-file-name=$(1)) $$($(CXX) -print-file-name=libstdc++.so)" \
    ASAN_OPTIONS=detect_leaks=0 TSAN_OPTIONS=halt_on_error=1:die_after_fork=0 $(2)/bin/python -m pytest --capture=sys \
    tests/engines/test_native_*.py tests/engines/test_bfloat16.py
sanitize: .venv-address/ready .venv-thread/ready
	$(call SANITIZED,libasan.so,.venv-address)
	$(call SANITIZED,libtsan.so,.venv-thread)

# Every table of kernels that the processor runs against plain loops, without Python; another processor's kernels
# through an emulator: make check-kernels CXX=aarch64-linux-gnu-g++ RUN=qemu-aarch64
check-kernels:
	$(MAKE) -C native/tests check CXX=$(CXX) RUN=$(RUN)

clean:
	rm -rf .venv .venv-bench .venv-address .venv-thread build/check-kernels

.venv/created: constraints.txt
	$(PYTHON) -m venv --clear .venv
	$(BIN)/$(INSTALL) --upgrade pip
	$(BIN)/$(INSTALL) $(BUILD_TOOLS)
	touch $@

.venv/ready-to-train: .venv/created $(SOURCES)
	$(BIN)/$(INSTALL) $(EDITABLE) .
	touch $@

.venv/ready-to-develop: .venv/created $(SOURCES)
	$(BIN)/$(INSTALL) $(EDITABLE) '.[cluster,exact,formula,onnx,torch]' --group test --group lint
	touch $@ .venv/ready-to-train

.venv-bench/created: constraints.txt
	$(PYTHON) -m venv --clear .venv-bench
	$(BENCH)/$(INSTALL) --upgrade pip
	$(BENCH)/$(INSTALL) $(BUILD_TOOLS)
	touch $@

.venv-bench/ready: .venv-bench/created $(SOURCES) benchmarks/requirements.txt
	$(BENCH)/$(INSTALL) $(EDITABLE) . --requirement benchmarks/requirements.txt
	touch $@

.venv-address/ready: SANITIZERS := address,undefined
.venv-thread/ready: SANITIZERS := thread
.venv-address/ready .venv-thread/ready: .venv/ready-to-develop $(shell find src -name '*.py')
	$(PYTHON) -m venv --clear --without-pip $(@D)
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
	    > $$($(@D)/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/tools.pth
	$(BIN)/pip --python $(@D) install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
	    --config-settings=cmake.define.TREADLE_SANITIZE=$(SANITIZERS) .
	touch $@
