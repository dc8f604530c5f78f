# `make help` says what there is. Every target sets up what it needs; a second call is instant.
PYTHON ?= python3
WORKERS ?= 2
INPUTS ?= 1000
SEED ?= 1
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
INSTALLED := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all fuzz check docs starters bench clean

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(INSTALLED): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "error: $(PYTHON) not found; install Python 3.11 or newer, or say make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: $(PYTHON) is older than Python 3.11; say make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e .
	@touch $@

$(STAMP): $(INSTALLED)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	@touch $@

setup: $(STAMP)  ## a virtual environment in .venv with everything at its pinned version

demo: $(INSTALLED)  ## the whole pipeline on invented Swedish and Spanish notes
	$(BIN)/deidsynth demo --output runs/demo

test: $(STAMP)  ## the tests that take seconds each
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n $(WORKERS) -m 'not slow'

test-all: $(STAMP)  ## every test
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n $(WORKERS)

fuzz: $(STAMP)  ## damaged inputs: INPUTS of them (1000), others with another SEED
	PYTHONPATH=src:tests $(BIN)/python -m fuzz --inputs $(INPUTS) --seed $(SEED) --workers $(WORKERS)

check: $(STAMP)  ## format, lint, types, layers, spelling, and whether the generated docs are fresh
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/python -m deidsynth.cli.reference --check docs/cli.md docs/configuration.md

docs: $(STAMP)  ## regenerate docs/cli.md and docs/configuration.md from the program itself
	$(BIN)/python -m deidsynth.cli.reference docs/cli.md docs/configuration.md

starters: $(STAMP)  ## pretrain the models that the package ships (hours; needs DEIDSYNTH_DATA)
	$(BIN)/python recipes/starters/prepare.py
	for name in starter starter-xs starter-encoder; do \
	  $(BIN)/python recipes/starters/pretrain.py $$name && $(BIN)/python recipes/starters/evaluate.py $$name || exit 1; \
	done
	$(BIN)/python recipes/starters/publish.py

bench: $(STAMP)  ## the benchmarks that need no corpus: scoring and sampling; the others name what they need with --help
	$(BIN)/python benchmarks/scoring.py
	$(BIN)/python benchmarks/generation.py

clean:  ## remove caches and build products; .venv and runs/ stay
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
