# Everything that a clone of Liaison needs. `make help` lists the targets.
# What was done once leaves a stamp, so repeating a target is quick.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
STAMPS := $(VENV)/.liaison
export PATH := $(CURDIR)/$(BIN):$(PATH)
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
export UV_NO_PROGRESS := 1
# Trust whom this machine trusts: many clinics' networks look into TLS with a certificate of their own.
export UV_SYSTEM_CERTS ?= 1
# What Python compiles is kept in one folder apart from the sources, so that it may be kept wherever this runs: without
# it each of the many processes of a run (and of the tests) compiles all of Liaison anew.
export PYTHONPYCACHEPREFIX ?= $(CURDIR)/.cache/bytecode
unexport PYTHONDONTWRITEBYTECODE

# Once the developers' packages are installed they stay: running and testing share one environment.
LOCK := $(if $(wildcard $(STAMPS)/developer),requirements-dev.txt,requirements.txt)
ASSETS := $(shell find assets -type f 2>/dev/null) $(shell find src -name '*.html' 2>/dev/null)
DIST := src/liaison/core/static/dist
WORKERS ?= auto

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-10s %s\n", $$1, $$2}'

.PHONY: run
run: $(STAMPS)/installed $(STAMPS)/built ## set up everything and open Liaison (ARGS="--as-of 2021-02-20")
	@exec $(BIN)/liaison up $(ARGS)

.PHONY: test
test: developer $(STAMPS)/built browser ## set up what tests need and run all of them
	@$(BIN)/coverage erase
	$(BIN)/pytest -n $(WORKERS) --cov --cov-report= $(ARGS)

.PHONY: check
check: developer $(STAMPS)/built browser ## style, types, layers, lengths, migrations, coverage, generated pages
	$(BIN)/python -m tools.check

.PHONY: bench
bench: $(STAMPS)/installed $(STAMPS)/built ## all benchmarks at their default sizes
	@$(BIN)/python -m bench $(or $(NAME),all) $(ARGS)

.PHONY: docs
docs: developer ## write the pages that are read off the code
	@$(BIN)/python -m liaison.console.generated

.PHONY: access-matrix
access-matrix: developer ## write who meets a patient where (tests/access_matrix.txt)
	@LIAISON_WRITE_ACCESS_MATRIX=1 $(BIN)/pytest -q -n0 tests/test_sentinel_walk.py

.PHONY: format
format: developer ## lay out the code
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

.PHONY: lock
lock: $(STAMPS)/uv ## resolve the dependencies anew (hashes, no addresses)
	@$(UV) pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --python-version 3.11 \
	    --output-file requirements.txt pyproject.toml
	@$(UV) pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --python-version 3.11 \
	    --extra dev --constraint requirements.txt --output-file requirements-dev.txt pyproject.toml
	@! grep -nE '://|^--(index|find)' requirements.txt requirements-dev.txt

.PHONY: clean
clean: ## remove what was set up; the data folder (.data) stays
	rm -rf $(VENV) node_modules $(DIST) build .cache/bytecode .coverage* htmlcov .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

# --- set-up -----------------------------------------------------------------------------------------------------

.PHONY: developer
developer: $(STAMPS)/uv
	@if [ ! -e $(STAMPS)/developer ]; then touch $(STAMPS)/developer; rm -f $(STAMPS)/installed; fi
	@$(MAKE) $(STAMPS)/installed

$(STAMPS)/uv:
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 or newer is needed: apt-get install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	    || { echo "Python 3.11 or newer is needed; name it with make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && apt-get install -y -qq python3-venv; \
	    else echo "Python's venv is missing. As root: apt-get install python3-venv" >&2; exit 1; fi
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	@[ -x $(UV) ] || $(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.5'
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/installed: requirements.txt requirements-dev.txt pyproject.toml | $(STAMPS)/uv
	@echo "Installing Python packages …"
	@$(UV) pip sync --quiet --require-hashes $(LOCK)
	@$(UV) pip install --quiet --no-deps --editable .
	@touch $@

node_modules/.stamp: package.json package-lock.json
	@command -v npm >/dev/null || { echo "Node 20 with npm is needed: apt-get install nodejs npm" >&2; exit 1; }
	@echo "Installing the pages' scripts and styles …"
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(STAMPS)/built: node_modules/.stamp $(ASSETS) | $(STAMPS)/uv
	@npm run --silent build
	@touch $@

.PHONY: browser
browser:
	@if ! command -v chromium >/dev/null; then \
	    if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	        echo "Installing Chromium for the browser tests …"; \
	        apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	            chromium fonts-dejavu-core >/dev/null; \
	    else \
	        echo "The browser tests need Chromium. As root: apt-get install chromium" >&2; exit 1; \
	    fi; fi
