# Every target sets itself up: on a bare machine with Python 3.11, `make demo` and `make test` are all one types.
.PHONY: help setup demo test check bench soak lock format
ARGS ?=

help: ## what there is to make
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

setup: ## leave .venv/bin/amiable, from the locked versions
	@./setup.sh

demo: setup ## a simulated company, lived day by day, then served on 127.0.0.1:8000
	@.venv/bin/amiable demo $(ARGS)

test: setup ## all the tests, on SQLite and on PostgreSQL
	@.venv/bin/python -m pytest -n 2 --dist loadgroup $(ARGS)

check: setup ## ruff, mypy --strict, import contracts
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports --no-cache

bench: setup ## figures as ratios within one run: make bench ARGS="import ageing"
	@.venv/bin/python -m bench $(ARGS)

soak: setup ## the long form of the guarantees
	@.venv/bin/python -m pytest -m soak $(ARGS)

lock: setup ## pin again every dependency of pyproject.toml
	@uv=$$(command -v uv || echo .tools/bin/uv); \
	"$$uv" pip compile pyproject.toml --all-extras --group dev --universal --python-version 3.11 \
	  --generate-hashes --no-header --no-annotate --quiet --output-file requirements.lock

format: setup ## put the code in its usual form
	@.venv/bin/ruff check --fix . && .venv/bin/ruff format .
