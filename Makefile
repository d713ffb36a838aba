# Everything a fresh machine with Python >= 3.11 needs: make demo, make test, make bench, make lint.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test bench lint

# One locked environment; it is made again when the lock or the package metadata changes.
.venv/installed: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Steward needs Python 3.11 or newer, this is " + sys.version.split()[0])'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --no-deps -e .
	touch $@

demo: .venv/installed
	$(BIN)/steward demo $(ARGS)

test: .venv/installed lint
	$(BIN)/pytest -n 2 $(ARGS)

bench: .venv/installed
	$(BIN)/python -m benchmarks $(ARGS)

lint: .venv/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
