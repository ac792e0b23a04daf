# Two commands carry a newcomer: `make demo` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3
UV_VERSION := 0.13.9
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup lock demo up test test-providers test-webhooks test-scrapers test-integration check format bench n8n \
	dev dev-console dev-dagster dev-scrapers dev-n8n clean

help: ## list the commands
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

setup: $(READY) ## make the virtual environment from the lock file

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Backline needs Python 3.11 or newer; run: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 2; }
	@$(PYTHON) -m venv $(VENV) \
		|| { echo "Python cannot make virtual environments; on Debian or Ubuntu: apt install python3-venv"; exit 2; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv==$(UV_VERSION)"
	@$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

lock: $(READY) ## resolve the dependencies again into requirements.lock
	$(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 --upgrade --no-header \
		--no-emit-index-url --no-emit-find-links --group dev pyproject.toml -o requirements.lock
	$(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header \
		--no-emit-index-url --no-emit-find-links --constraint requirements.lock --group image pyproject.toml \
		-o deploy/requirements.lock

demo: $(READY) ## run everything once on the embedded default; KEEP=1 leaves it running
	@$(BIN)/backline demo $(if $(KEEP),--keep)

up: $(READY) ## console, Dagster webserver and daemon, until Ctrl-C; DEMO=1 adds the simulator
	@$(BIN)/backline up $(if $(DEMO),--demo)

test: $(READY) ## all tests
	@$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

test-providers: $(READY) ## providers, their clients and the simulator
	@$(BIN)/pytest -m providers

test-webhooks: $(READY) ## events, signatures, delivery
	@$(BIN)/pytest -m webhooks

test-scrapers: $(READY) ## public pages: readers, browser, jobs, health
	@$(BIN)/pytest -m scrapers

test-integration: $(READY) ## tests against real servers
	@$(BIN)/pytest -m integration

check: $(READY) ## format, lint, types, import contracts, dead code: what CI gates besides tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/vulture
	$(BIN)/pytest -q tests/docs

format: $(READY) ## write the code the way `make check` wants it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY) ## benchmarks, each a ratio against a named peer or limit
	@$(BIN)/python -m benchmarks.run

n8n: $(READY) ## install and start a real n8n with this repository's workflows
	@$(BIN)/backline n8n serve

dev: up ## all parts

dev-console: $(READY) ## the console alone, with reload
	@$(BIN)/backline up --only console --reload

dev-dagster: $(READY) ## Dagster alone; its Deployment page reloads the code
	@$(BIN)/backline up --only dagster

dev-scrapers: $(READY) ## Dagster with the browsers' code location alone
	@$(BIN)/backline up --only scrapers

dev-n8n: n8n ## n8n alone

clean: ## forget the virtual environment (state in .backline stays)
	rm -rf $(VENV)
