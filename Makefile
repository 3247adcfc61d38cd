# The house's one entry point. Needs make (GNU, 3.81 or newer) and Python 3.11 or newer; uses uv when it is there.
# Every recipe is plain POSIX shell and every path is relative, so the folder may have any name.

# The first Python on the PATH that is new enough; `make install PYTHON=python3.13` names another.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
  "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
UV ?= $(shell command -v uv 2>/dev/null)

VENV := .venv
BIN := $(VENV)/bin
TOOLS := $(VENV)/integration

# One word per optional extra of pyproject.toml; the lock of each is requirements/<extra>.txt.
EXTRAS := aes geo lightgbm mlflow search sevenzip upload xgboost

# Where `make demo` works; nothing tracked lies there.
DEMO_DIR ?= build/demo
# More arguments for the tool that a target runs: `make test ARGS="-k parse -x"`.
ARGS ?=
# Order of the tests and of whatever they draw: fixed here, new in every `make fuzz`.
SEED ?= 20

# Like pip, uv then trusts the certificates that the system trusts, so that it works behind a company's proxy.
UV_SYSTEM_CERTS ?= 1
export UV_SYSTEM_CERTS

# Tests on real captures run where the captures lie beside the clone, and skip elsewhere.
PTML_REAL_DATA ?= $(abspath $(wildcard ../shared/data))
ifneq ($(strip $(PTML_REAL_DATA)),)
export PTML_REAL_DATA
endif

.DEFAULT_GOAL := help
.PHONY: help install demo test integration check gate lint fmt types layers names docs docs-check bench fuzz wheel lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

# pip refuses hashes together with an editable folder, so the locked packages come first and ptml by itself.
ifneq ($(strip $(UV)),)
  NEW_VENV = "$(UV)" venv --quiet --python "$$python" $(VENV)
  INSTALL = "$(UV)" pip install --compile-bytecode --python $(BIN)/python
  PROBE = import sys
else
  NEW_VENV = "$$python" -m venv $(VENV)
  INSTALL = $(BIN)/python -m pip install --disable-pip-version-check
  PROBE = import pip
endif

# Makes the environment unless a whole one is there (one that was cut short, or whose Python has gone, is not).
$(VENV)/.core: requirements/core.txt requirements/build.txt pyproject.toml
	@$(BIN)/python -c '$(PROBE)' 2>/dev/null || { \
	  python='$(PYTHON)'; \
	  "$${python:-python3}" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "ptml needs Python 3.11 or newer; found: $$("$${python:-python3}" --version 2>&1)." >&2; \
	    echo "Try: make $(or $(firstword $(MAKECMDGOALS)),install) PYTHON=/path/to/python3.13" >&2; exit 1; }; \
	  rm -rf $(VENV) && echo "Making $(VENV) with $$("$$python" --version)" && $(NEW_VENV); }
	$(INSTALL) --require-hashes -r requirements/build.txt -r requirements/core.txt
	$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.core requirements/dev.txt
	$(INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@

$(VENV)/.bench: $(VENV)/.dev requirements/bench.txt
	$(INSTALL) --require-hashes -r requirements/bench.txt
	@touch $@

# MLflow's server and DVC are programs beside ptml: their own environment keeps their pins out of ptml's.
$(VENV)/.integration: $(VENV)/.dev requirements/mlflow.txt requirements/integration.txt
	$(INSTALL) --require-hashes -r requirements/mlflow.txt
	rm -rf $(TOOLS) && $(BIN)/python -m venv $(if $(strip $(UV)),--without-pip) $(TOOLS)
	$(subst $(BIN)/,$(TOOLS)/bin/,$(INSTALL)) --require-hashes -r requirements/integration.txt
	@touch $@

install: $(VENV)/.dev ## Make .venv with everything the other targets need
	@echo "Ready: $(BIN)/ptml --help"

demo: $(VENV)/.core ## Install the core and see the whole way on simulated captures
	$(BIN)/ptml run demo --data "$(DEMO_DIR)" $(ARGS)

test: $(VENV)/.dev ## Run the tests, the doctests and the examples of the docs
	$(BIN)/python -m pytest -n 2 --randomly-seed=$(SEED) $(ARGS)

integration: $(VENV)/.integration ## Run the tests with a real MLflow server and real DVC (installs both)
	$(BIN)/python -m pytest --randomly-seed=$(SEED) tests/integration $(ARGS)

check: lint types layers docs-check names gate ## Lint, types, layers, stale docs, names that must not be here, features

lint: $(VENV)/.dev ## Check style and format
	$(BIN)/ruff check . $(ARGS)
	$(BIN)/ruff format --check .

fmt: $(VENV)/.dev ## Format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: $(VENV)/.dev ## Check the types
	$(BIN)/python -m mypy $(ARGS)

layers: $(VENV)/.dev ## Check that imports point upstream
	$(BIN)/lint-imports

gate: $(VENV)/.dev ## Check what every feature must hold to: ranges, laws, none equal or constant
	$(BIN)/python -m pytest -n 2 --dist loadfile -q tests/features/test_quality.py

names: ## Check that no registry host and no machine's path is named
	@sh .ci/names

docs: $(VENV)/.dev ## Generate the pages that are made from the code
	$(BIN)/python docs/generate.py

docs-check: $(VENV)/.dev
	$(BIN)/python docs/generate.py --check

bench: $(VENV)/.bench ## Measure speed and memory (takes half an hour)
	$(BIN)/python -m benchmarks.run $(ARGS)
	$(BIN)/python -m benchmarks.parse
	$(BIN)/python -m benchmarks.features

fuzz: $(VENV)/.dev ## Run the property-based tests with many more examples, in a new order
	HYPOTHESIS_PROFILE=fuzz $(BIN)/python -m pytest -n 2 -m "hypothesis" $(ARGS) tests

wheel: $(VENV)/.dev ## Build the wheel into dist/
	rm -rf dist
	$(BIN)/python -m hatchling build --target wheel

# Pins that still fit are kept; `make lock ARGS=--upgrade` renews them all.
COMPILE = "$(UV)" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-emit-index-url --no-emit-find-links --no-header $(ARGS)

lock: ## Renew the locks in requirements/ from pyproject.toml (needs uv)
	@test -n "$(UV)" || { echo "make lock needs uv on the PATH. Try: pipx install uv" >&2; exit 1; }
	$(COMPILE) pyproject.toml -o requirements/core.txt
	$(COMPILE) --group pyproject.toml:build -c requirements/core.txt -o requirements/build.txt
	$(COMPILE) pyproject.toml --group dev -c requirements/core.txt -c requirements/build.txt -o requirements/dev.txt
	$(COMPILE) --group pyproject.toml:bench -c requirements/dev.txt -o requirements/bench.txt
	$(COMPILE) --group pyproject.toml:integration -o requirements/integration.txt
	$(foreach extra,$(EXTRAS),$(COMPILE) pyproject.toml --extra $(extra) -c requirements/dev.txt -o requirements/$(extra).txt &&) true

clean: ## Remove what the other targets made (never data/)
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find ptml tests docs benchmarks -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
