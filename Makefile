# The project's commands. `make` alone lists them.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Tests start hundreds of processes: each would compile the project anew where this is set.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install backtest test test-slow test-exhaustive test-all peers lint format factors \
	plots costs signals api dashboard published research notebook docs benchmark benchmark-factors \
	benchmark-construction benchmark-api engines image-steps clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-22s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
		{ echo "Python 3.11 to 3.13 is needed: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $(READY)

install: $(READY) ## Make the environment and install what requirements.txt pins

backtest: $(READY) ## The main job on bundled data: tables, plots, summary and tearsheet
	$(BIN)/python -m runs.backtest --config configs/backtest.yaml

test: $(READY) lint ## Lint, import contracts and all tests that take seconds, on two cores
	$(BIN)/python -m pytest -m "not slow" -n 2

test-slow: $(READY) peers ## The suites that take minutes, on two cores
	$(BIN)/python -m pytest -m "slow and not exhaustive" -n 2 --dist loadgroup

test-exhaustive: $(READY) ## Every deliberate fault, and ordinary scripts on further panels
	$(BIN)/python -m pytest -m exhaustive -n 2

test-all: test test-slow test-exhaustive ## Every test

peers: ## Install the libraries that results are compared with, in an environment of their own
	PYTHON=$(PYTHON) scripts/install_peers.sh

lint: $(READY) ## flake8, formatting, import contracts, image, compose file and workflows
	$(BIN)/flake8
	$(BIN)/black --check --quiet .
	$(BIN)/isort --check --quiet .
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml

format: $(READY) ## Format the code
	$(BIN)/isort --quiet .
	$(BIN)/black --quiet .

factors: $(READY) ## Factor returns, information coefficients and correlations
	$(BIN)/python -m runs.factors --start 2010-01-01 --end 2016-12-30 \
		--factors value,size,momentum --out outputs/results.pkl

plots: factors ## Every figure of the factor study, PNG and SVG
	$(BIN)/python -m runs.export_plots --input outputs/results.pkl --out outputs/plots

costs: $(READY) ## What is left after costs: grid, break-even, capacity, sources, samples
	$(BIN)/python -m runs.costs --config configs/backtest.yaml

signals: $(READY) ## What to hold now: ranks, weights, orders, and a paper account that trades them
	$(BIN)/python -m runs.signals --config configs/large_caps_bitcoin.yaml --offline

dashboard: $(READY) ## Signals, account, runs, factors, costs and data on pages of this machine
	$(BIN)/python -m runs.dashboard

api: $(READY) ## Serve outputs as read-only JSON on this machine
	$(BIN)/python -m runs.api

published: $(READY) ## Our monthly factors against the published ones, on bundled data
	$(BIN)/python -m runs.published --data data/sp500_crypto \
		--published data/sp500_crypto/published_monthly.csv

research: $(READY) ## The research report: page, figures and tables (needs ../shared/data)
	$(BIN)/python -m runs.research

notebook: $(READY) ## Run the notebook again and store what it shows
	$(BIN)/python scripts/execute_notebook.py notebooks/factor_construction.ipynb

docs: $(READY) ## Regenerate the pages that are made from code
	$(BIN)/python -m configs.reference docs/configuration.md

benchmark: $(READY) ## CPU of the main job against a peer and a limit
	$(BIN)/python -m benchmarks.main_job --repeats 7

benchmark-factors: $(READY) ## Every factor family against pandas and the machine's limit
	$(BIN)/python -m benchmarks.factors

benchmark-construction: $(READY) ## CPU of every weighting beside that of its covariance
	$(BIN)/python -m benchmarks.construction

benchmark-api: $(READY) ## Time of the endpoint's answers beside a bare FastAPI route
	$(BIN)/python -m benchmarks.api

engines: $(READY) ## The engine beside Backtrader, bt, vectorbt and a numba loop; installs them
	$(BIN)/pip install --quiet --disable-pip-version-check -r benchmarks/requirements.txt
	$(BIN)/python -m benchmarks.engines

image-steps: $(READY) ## Do the image's steps in a clean folder, without a container engine
	$(BIN)/python scripts/replay_dockerfile.py

clean: ## Remove the environment, outputs and caches
	rm -rf $(VENV) .venv-peers outputs data/*/.cache .pytest_cache .hypothesis
