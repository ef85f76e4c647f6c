# The same commands on a laptop and in CI. `make help` lists them.
SHELL := /bin/bash
PYTHON ?= python3
PIP_ARGS ?=
BENCH_ARGS ?=
BIN := .venv/bin
INSTALL := $(BIN)/pip install -qq --disable-pip-version-check $(PIP_ARGS) --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help demo test check-all bench axe lint type check clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 12

.venv/ready-demo: pyproject.toml constraints.txt
	@echo "Installing fimiscope into .venv (about 2 GB with torch; a few minutes) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(INSTALL) torch==2.13.0
	@$(INSTALL) --editable '.[train,encoders]'
	@touch $@

.venv/ready-dev: .venv/ready-demo
	@echo "Installing the test set into .venv …"
	@$(INSTALL) --editable '.[dev]'
	@touch $@

demo: .venv/ready-demo ## train the quickstart, score data/sample/inbox, show what was flagged
	@echo "Training configs/quickstart.yaml on the embedded, invented texts (a few minutes) …"
	@$(BIN)/fimiscope train configs/quickstart.yaml
	@echo "Scoring the sample inbox …"
	@$(BIN)/fimiscope predict data/sample/inbox --model models/quickstart --output out/inbox.jsonl --show || test $$? -eq 3
	@echo "This model learned from invented texts: it is for trying out, not for work."
	@echo "To inspect the run:  $(BIN)/mlflow server --backend-store-uri sqlite:///mlflow.db --port 5000   (then open http://127.0.0.1:5000)"

test: .venv/ready-dev ## run the tests (about 20 minutes on two cores)
	@$(BIN)/python -m pytest -m 'not slow'

check-all: lint type ## run everything, slow tests included
	@$(BIN)/python -m pytest

.venv/axe/ready: Makefile
	@npm install --prefix .venv/axe --silent --no-audit --no-fund axe-core@4.14.1
	@touch $@

axe: .venv/axe/ready ## install the accessibility checker of the browser tests (needs npm)

bench: .venv/ready-dev ## measure speed, memory and agreement (hours; docs/benchmark.md)
	@PYTHONPATH=tests $(BIN)/python -m benchmark $(BENCH_ARGS)

lint: .venv/ready-dev ## style and the direction of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports --no-cache

type: .venv/ready-dev ## types, strictly
	@$(BIN)/mypy

check: lint type test ## all that CI runs

clean: ## remove what the commands made, but no trained model and no run
	rm -rf .venv out build dist .pytest_cache .mypy_cache .ruff_cache
