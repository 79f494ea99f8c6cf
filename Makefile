# Needs make and any Python 3.12 or later. Everything else comes through uv and the lock file.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test bench soak lint lint-types lint-rest format screenshots clean sync

UV := ./bin/uv
RUN := $(UV) run --no-sync
export UV_COMPILE_BYTECODE := 1

help: ## Show these lines
	@grep -E '^[a-z]+:.*##' $(firstword $(MAKEFILE_LIST)) | sed 's/:.*## /\t/' | expand -t 14

sync:
	@[ -d .venv ] || echo "Making .venv from uv.lock ..." >&2
	@$(UV) sync --locked --quiet

demo: sync ## Run the product and its main job (ONCE=1: end after the summary)
	@$(RUN) python manage.py demo $(if $(filter-out 0,$(ONCE)),--once)

test: sync ## Run all tests; the races once more alone
	$(RUN) pytest -n 2 $(PYTEST)
	$(RUN) pytest -m race $(PYTEST) || [ $$? -eq 5 ] # 5: nothing is marked

bench: sync ## Measure speed and memory, with ratios to a plain build
	$(RUN) python -m tests.bench

soak: sync ## Four providers play while everything is killed (MINUTES=30 SEED=7); the books must agree
	$(RUN) python -m tests.soak --minutes $(or $(MINUTES),2) $(if $(SEED),--seed $(SEED))

lint: sync ## Check formatting, types, layers, settings and migrations
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint-types lint-rest

lint-types:
	$(RUN) mypy .

lint-rest:
	$(UV) lock --check
	$(RUN) ruff format --check .
	$(RUN) ruff check .
	$(RUN) typos
	git ls-files -z 'templates/*.html' | xargs -0 --no-run-if-empty $(RUN) djade --check --target-version 5.2
	git ls-files -z 'templates/*.html' | xargs -0 --no-run-if-empty $(RUN) djlint --profile=django --lint --quiet
	$(RUN) lint-imports
	$(RUN) python -m tests.production_environment python manage.py check --deploy --fail-level WARNING
	$(RUN) python manage.py makemigrations --check --dry-run

format: sync ## Format Python and templates
	$(RUN) ruff check --fix .
	$(RUN) ruff format .
	git ls-files -z 'templates/*.html' | xargs -0 --no-run-if-empty $(RUN) djade --target-version 5.2

screenshots: sync ## Take the README's pictures from the demo's data
	$(RUN) python -m tests.screenshots

clean: ## Remove the embedded servers' data, the environments and the caches
	@if [ -x .venv/bin/python ]; then .venv/bin/python manage.py servers stop || true; fi
	rm -rf var .venv .tools .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
