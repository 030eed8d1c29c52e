# Two commands matter: `make up` runs the product, `make test` proves it. Nothing but git, make, Python >= 3.11 and pip is assumed.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin/python
export PYTHONDONTWRITEBYTECODE ?=

.PHONY: help up test lint format bench bench-providers trust conformance lock clean

help: ## show this list
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/' | expand -t 18

.venv/runtime.stamp: requirements/runtime.lock requirements/install.sh
	@PYTHON="$(PYTHON)" sh requirements/install.sh runtime

.venv/dev.stamp: requirements/dev.lock requirements/install.sh
	@PYTHON="$(PYTHON)" sh requirements/install.sh dev

up: .venv/runtime.stamp ## start Datar with its own PostgreSQL and demo data (PORT=8000)
	@exec $(BIN) manage.py up --port "$(PORT)"

test: .venv/dev.stamp ## the whole suite, in parallel, on embedded PostgreSQL 18; the records suite once more on documents, MongoDB and 16
	@$(BIN) -m tests.run

lint: .venv/dev.stamp ## formatting, lint, types and the import staircase
	@$(BIN) -m ruff format --check . && $(BIN) -m ruff check . && $(BIN) -m mypy && $(BIN) -c "from importlinter.cli import lint_imports_command; lint_imports_command()"

format: .venv/dev.stamp ## rewrite the code in the house format
	@$(BIN) -m ruff format . && $(BIN) -m ruff check --fix .

bench: .venv/dev.stamp ## the service against the floor, as ratios in one run
	@$(BIN) -m bench.run

bench-providers: .venv/dev.stamp ## tables on jsonb and mongodb beside flat ones, in one run
	@$(BIN) -m bench.run --providers

trust: .venv/dev.stamp ## the long profiles: 10,000 examples a property
	@DATAR_TEST_PROFILE=trust $(BIN) -m tests.run

conformance: .venv/dev.stamp ## the records suite on every layout and server, with more examples
	@DATAR_TEST_PROFILE=conformance $(BIN) -m tests.run

lock: ## renew both locks (needs uv)
	@sh requirements/lock.sh

clean: ## remove the environment and the embedded databases
	@if [ -f .datar/elsewhere ]; then rm -rf "$$(cat .datar/elsewhere)"; fi
	rm -rf .venv .datar
