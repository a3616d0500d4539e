# Everything a person or CI does with this project. `make run` is the first thing to try.

# Any Python from 3.11 on: `make run PYTHON=python3.13` chooses another.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
RUNS := $(VENV)/.runs
TESTS := $(VENV)/.tests
PORT ?= 8080

.PHONY: run test test-slow test-clients test-image image check check-ops bench profile bench-records bench-routing lock lock-clients clean

run: $(RUNS)  ## simulator, store and router on this machine, with a table of routed requests
	exec $(BIN)/mistral-router demo --port $(PORT) --die-with-parent

test: $(TESTS)  ## the test suite, in parallel
	$(BIN)/pytest -n auto --dist loadgroup -m "not slow"

test-slow: $(TESTS)  ## long simulations, chaos rounds, fuzzing
	HYPOTHESIS=search $(BIN)/pytest -m slow
	TEST_STORE=cluster $(BIN)/pytest -m "not slow" tests/store

# Client libraries want other versions than the router, and than one another: each group has an environment of its own.
CLIENTS := tests/clients
GROUPS := current instructor older
NODE := $(if $(shell command -v npm),$(CLIENTS)/node/node_modules/.package-lock.json)

test-clients: $(TESTS) $(GROUPS:%=.venv-clients/%/.made) $(NODE)  ## real client libraries against router and simulator
	$(BIN)/pytest -n auto --dist loadgroup $(CLIENTS)

.venv-clients/%/.made: $(CLIENTS)/environments/%.txt
	test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --require-hashes --no-deps --requirement $<
	touch $@

$(CLIENTS)/node/node_modules/.package-lock.json: $(CLIENTS)/node/package-lock.json
	cd $(CLIENTS)/node && npm ci --ignore-scripts --no-audit --no-fund
	touch $@

test-image: $(TESTS)  ## builds the image without an engine, starts it read-only, asks it, stops it; says where it cannot
	$(BIN)/pytest tests/ops/test_deploy.py tests/image

image: build/mistral-router.tar  ## the image as a file for docker load, podman load or skopeo, built without an engine

.PHONY: build/mistral-router.tar
build/mistral-router.tar:
	$(PYTHON) tools/build_image.py $@

check: $(TESTS)  ## formatting, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

check-ops: $(TESTS)  ## alerts and dashboard, by Prometheus' own tool
	@command -v promtool >/dev/null || { echo "promtool is missing: apt-get install prometheus" >&2; exit 1; }
	$(BIN)/pytest tests/ops

bench: $(TESTS)  ## speed as ratios, measured side by side
	$(BIN)/python -m tests.bench

profile: $(TESTS)  ## where a request's processor time goes, by room and by function
	$(BIN)/python -m tests.bench.profile

bench-records: $(TESTS)  ## a million records of 200 teams: how quickly they are read, and the bytes of each
	$(BIN)/python -m tests.bench.records

# A folder of recorded outcomes; docs/quality.md tells what is in it.
DATA ?= ../shared/routing-data

bench-routing: $(TESTS)  ## quality of routing and of the classifier, on recorded outcomes
	@$(BIN)/python -m tests.bench.routing $(DATA)

COMPILE := $(BIN)/pip-compile --quiet --generate-hashes --strip-extras --allow-unsafe --no-header --no-annotate \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-emit-options

lock: $(TESTS)  ## make the constraints anew from pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check pip-tools
	$(COMPILE) --extra build --output-file constraints.txt pyproject.toml
	$(COMPILE) --extra build --extra otel --constraint constraints.txt --output-file constraints-otel.txt pyproject.toml
	$(COMPILE) --extra build --extra otel --extra dev --constraint constraints-otel.txt --output-file constraints-dev.txt \
		pyproject.toml

lock-clients: $(TESTS)  ## the newest client libraries, pinned anew
	$(BIN)/pip install --quiet --disable-pip-version-check pip-tools
	for group in $(GROUPS); do \
		$(COMPILE) --upgrade --output-file $(CLIENTS)/environments/$$group.txt $(CLIENTS)/environments/$$group.in || exit 1; \
	done
	cd $(CLIENTS)/node && npm update --package-lock-only --omit-lockfile-registry-resolved

$(RUNS): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps --requirement constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

$(TESTS): $(RUNS) constraints-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps --requirement constraints-dev.txt
	touch $@

clean:
	rm -rf $(VENV) .venv-clients $(CLIENTS)/node/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis data
