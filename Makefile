# make train | test | lint | docs | bench: each sets up what it needs, from constraints.txt, and then does it.

PYTHON ?= python3
BIN := .venv/bin
BENCH := .venv-bench/bin
INSTALL := pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: train test lint docs bench clean

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

bench: .venv-bench/ready
	$(BENCH)/python benchmarks/run.py

clean:
	rm -rf .venv .venv-bench

.venv/created: constraints.txt
	$(PYTHON) -m venv --clear .venv
	$(BIN)/$(INSTALL) --upgrade pip
	touch $@

.venv/ready-to-train: .venv/created pyproject.toml
	$(BIN)/$(INSTALL) --editable .
	touch $@

.venv/ready-to-develop: .venv/created pyproject.toml
	$(BIN)/$(INSTALL) --editable '.[onnx,torch]' --group test --group lint
	touch $@ .venv/ready-to-train

.venv-bench/ready: constraints.txt pyproject.toml benchmarks/requirements.txt
	$(PYTHON) -m venv --clear .venv-bench
	$(BENCH)/$(INSTALL) --upgrade pip
	$(BENCH)/$(INSTALL) --editable . --requirement benchmarks/requirements.txt
	touch $@
