# Everything a person types. `make demo` and `make test` set up whatever they need on a machine that has only git, make
# and Python >= 3.11.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
XDIST ?= 3

.PHONY: help demo test lint types unit soak bench test-peers lock clean
help: ## what can be typed
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

$(READY): requirements.lock pyproject.toml
	@PYTHON="$(PYTHON)" VENV="$(VENV)" sh deploy/setup.sh
	@touch $@

demo: $(READY) ## run the daemon on the example configuration and tell what happened (demo/report.html)
	$(BIN)/python examples/demo.py

test: $(READY) ## everything that proves it works: style, types, import contract, tests
	$(BIN)/ruff check -q src tests bench examples docs
	$(BIN)/ruff format --check -q src tests bench examples docs
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -n $(XDIST) --dist worksteal -m "not soak and not peers" -rs

soak: $(READY) ## hours of crashes, restarts and fuzzing
	$(BIN)/pytest -n $(XDIST) -m soak --timeout 7200

test-peers: $(READY) ## against real Directus and Vendure; npm installs them once, into PEERS_DIR
	$(BIN)/python -m tests.peers.installation
	$(BIN)/pytest -m peers --timeout 1200

bench: $(READY) ## measure against the yardsticks, side by side
	$(BIN)/uv pip install -q --python $(BIN)/python --require-hashes -r requirements-bench.lock
	$(BIN)/python -m bench

lock: $(READY) ## resolve the dependencies anew
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-annotate --python-version 3.11 \
		--extra video --extra uvloop --extra testing --extra amazon --group dev pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-annotate --python-version 3.11 \
		--extra video --extra uvloop --extra testing --extra amazon --group dev --group bench -c requirements.lock pyproject.toml -o requirements-bench.lock
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-annotate --python-version 3.11 \
		--extra uvloop --extra amazon -c requirements.lock pyproject.toml -o deploy/requirements.lock
	echo "hatchling>=1.27" | $(BIN)/uv pip compile -q --universal --generate-hashes --no-header --no-annotate \
		--python-version 3.11 -c requirements.lock - -o deploy/build.lock

clean: ## remove what was made
	rm -rf $(VENV) demo .pytest_cache .mypy_cache .ruff_cache .hypothesis
