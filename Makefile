# buildinsights: everything that people type. `make` alone lists it.

VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
SIZE ?= small
MANAGE := $(BIN)/python manage.py

.DEFAULT_GOAL := help
.PHONY: help demo up test unit cov check fmt lint types migrations schema templates bench lock clean

help: ## List the targets
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z%-]+:.*## / {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

BUILDINSIGHTS = PYTHONPATH=$(CURDIR) $(BIN)/python -m cli
include buildinsights.mk
build graph variants build-history doctor cache-status cache-warm cache-prune cache-verify cache-expire: $(VENV)/server.stamp

##@ Run
demo: $(VENV)/server.stamp ## Start everything with recorded sample builds; prints the address and a login
	@$(MANAGE) serve --demo --port $(PORT)

up: $(VENV)/server.stamp ## Start the same server, empty, for real use
	@$(MANAGE) serve --port $(PORT)

##@ Check
test: $(VENV)/dev.stamp ## All tests; engine and browser tests run where these answer
	@$(BIN)/python -m pytest -n 2 --dist loadgroup $(ARGS)

unit: $(VENV)/dev.stamp ## The tests that start no engine, no browser and no second process
	@$(BIN)/python -m pytest -n 2 -m "not engine and not browser and not slow" $(ARGS)

cov: $(VENV)/dev.stamp ## Unit tests with branch coverage
	@$(BIN)/coverage run -m pytest -m "not engine and not browser and not slow" && $(BIN)/coverage report

check: lint types migrations schema templates ## Format, lint, types, migrations, OpenAPI, templates

lint: $(VENV)/dev.stamp
	@$(BIN)/ruff format --check . && $(BIN)/ruff check .

types: $(VENV)/dev.stamp
	@$(BIN)/mypy .

migrations: $(VENV)/dev.stamp
	@$(MANAGE) makemigrations --check --dry-run

schema: $(VENV)/dev.stamp
	@$(MANAGE) spectacular --api-version v1 --fail-on-warn --validate --file docs/openapi.yaml.new \
	  && cmp docs/openapi.yaml docs/openapi.yaml.new && rm docs/openapi.yaml.new \
	  || { echo "docs/openapi.yaml is not what the code says: make openapi" >&2; exit 1; }

templates: $(VENV)/dev.stamp
	@$(BIN)/djlint templates --lint --quiet

##@ Change
fmt: $(VENV)/dev.stamp ## Format the code
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix-only .

openapi: $(VENV)/dev.stamp ## Write docs/openapi.yaml from the code
	@$(MANAGE) spectacular --api-version v1 --fail-on-warn --validate --file docs/openapi.yaml

lock: $(VENV)/dev.stamp ## Compile requirements/*.txt from pyproject.toml, with hashes
	@scripts/lock $(BIN)

bench: $(VENV)/dev.stamp ## Benchmarks, each against its floor in the same run (SIZE=small|full)
	@$(BIN)/python -m bench --size $(SIZE)

clean: ## Remove the virtual environment and the data directory
	rm -rf $(VENV) .data

$(VENV)/%.stamp: requirements/%.txt
	@scripts/venv $(VENV) $< && touch $@
