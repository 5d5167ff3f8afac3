# Everything that is done to this tree. `make help` lists it.

PYTHON ?= python3
ARGS   ?=
# Some of the tests' time is waiting: more workers than the two cores of CI.
JOBS   ?= 4
export CABIN_DATA ?= $(CURDIR)/../shared/data
# Compiled modules are kept, or each worker compiles every test anew.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
PEERS := .venv-bench
BIN  := $(VENV)/bin
PIP  := $(BIN)/python -m pip install --disable-pip-version-check --quiet --require-virtualenv
COMPILE := UV_CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/uv pip compile --quiet --generate-hashes \
        --universal --fork-strategy fewest --python-version 3.11
LOCK := $(COMPILE) pyproject.toml --extra build
LOCK_PEERS := $(COMPILE) --group pyproject.toml:peers --no-annotate

.PHONY: help demo test test-long check bench bench-signal bench-kiosk bench-video bench-instruments bench-delivery fuzz soak-delivery soak-power soak-envelopes soak-brokers plots screens lock clean mosquitto strace postgresql brokers chromium opener systemd recordings
.DELETE_ON_ERROR:

help:  ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

demo: $(VENV)/run.stamp  ## a whole cabin on this machine with simulated instruments; ARGS="--once --speed 20" runs one check-up
	@$(BIN)/cabin demo $(ARGS)

test: $(VENV)/dev.stamp mosquitto strace postgresql chromium opener systemd recordings  ## every test, as CI runs them; installs mosquitto, strace, postgresql, chromium, espeak-ng, node and systemd with apt if missing
	@$(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(ARGS)

check: $(VENV)/dev.stamp systemd  ## formatting, types, import contracts and the tests without processes, browser and recordings
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/lint-imports >$(VENV)/imports.log || { cat $(VENV)/imports.log; exit 1; }
	@$(BIN)/mypy --no-error-summary >$(VENV)/types.log & types=$$!; \
	HYPOTHESIS_PROFILE=quick $(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal -m "not processes and not recordings" $(ARGS); tests=$$?; \
	wait $$types || { cat $(VENV)/types.log; exit 1; }; exit $$tests

test-long: $(VENV)/dev.stamp  ## every property that sets no number of examples itself, with two thousand in place of thirty, and every fault of every instrument at every moment
	@FAULT_MATRIX=whole $(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal --timeout 3600 tests/test_fault_matrix.py
	@HYPOTHESIS_PROFILE=long $(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal --timeout 3600 \
	  -m "not processes and not recordings" $(ARGS)

bench: $(VENV)/dev.stamp  ## the figures of docs/benchmarks.md, measured here
	@$(BIN)/python -m bench $(ARGS)

bench-signal: $(VENV)/dev.stamp $(PEERS)/run.stamp  ## its figures of the analysis, every peer on the same recordings; ARGS=--quick takes a few of them
	@$(BIN)/python -m bench --group signal $(ARGS)

bench-kiosk: $(VENV)/dev.stamp  ## its figures of the pages: first paint, twelve leads beside uPlot, sample to pixel
	@$(BIN)/python -m bench --group kiosk $(ARGS)

bench-video: $(VENV)/dev.stamp  ## its figures of the call, stock aiortc beside it; ARGS=--hour makes the long call an hour
	@$(BIN)/python -m bench --group video $(ARGS)

bench-instruments: $(VENV)/dev.stamp $(PEERS)/run.stamp  ## its figures of the instruments: load, byte to event, replug, every decoder under noise and a fuzzer; ARGS=--quick takes a short look
	@$(BIN)/python -m bench --group instruments $(ARGS)

bench-delivery: $(VENV)/dev.stamp $(PEERS)/run.stamp mosquitto  ## its figures of the delivery: seal, durable puts, whole chain, a long backlog, 3,000 cabins; ARGS=--quick takes a short look
	@$(BIN)/python -m bench --group delivery $(ARGS)

fuzz: $(VENV)/dev.stamp $(PEERS)/run.stamp  ## every decoder under a coverage-guided fuzzer, 10 million bytes each; ARGS="--bytes 1000000" takes fewer
	@$(BIN)/python -m bench fuzz $(ARGS)

soak-delivery: $(VENV)/dev.stamp mosquitto postgresql  ## cabin, broker and gateway killed 10,000 times, a verdict for each of 20 seeds; ARGS="--seeds 2 --kills 60" is a short one
	@$(BIN)/python -m tests.soak delivery $(ARGS)

soak-power: $(VENV)/dev.stamp strace  ## power cuts: what a disk may hold of outbox, record and audit log, opened again and again
	@$(BIN)/python -m tests.soak power $(ARGS)

soak-envelopes: $(VENV)/dev.stamp  ## a million altered envelopes, and receipts and key statements: none may be accepted
	@$(BIN)/python -m tests.soak envelopes $(ARGS)

plots: $(PEERS)/run.stamp  ## pictures of typical and failing recordings, into docs/signal
	@PYTHONPATH=.:signal $(PEERS)/bin/python -m bench.signal_plots $(ARGS)

screens: $(VENV)/dev.stamp chromium  ## pictures of every screen in each language and theme, into docs/screens
	@$(BIN)/python -m tests.screens

soak-brokers: $(VENV)/dev.stamp brokers  ## a cabin on three-node clusters of RabbitMQ and NATS whose nodes are killed, into docs/soak/brokers.md; ARGS="--brokers nats --kills 3"
	@$(BIN)/python -m tests.soak_brokers $(ARGS)

lock: $(VENV)/dev.stamp  ## bring the three lists of dependencies up to pyproject.toml; ARGS=--upgrade takes the newest
	@$(LOCK) $(ARGS) --output-file requirements.lock
	@$(LOCK) $(ARGS) --extra dev --constraint requirements.lock --no-annotate --output-file requirements-dev.lock
	@$(LOCK_PEERS) $(ARGS) --output-file requirements-bench.lock

clean:  ## remove the virtual environment and every cache
	@rm -rf $(VENV) $(PEERS) tests/opener/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist build
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/pyvenv.cfg:
	@command -v $(PYTHON) >/dev/null || { echo "Python is missing: install python3 and python3-venv." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "$$($(PYTHON) --version) is too old: the cabin needs 3.11 or newer; name one with make PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "Python's venv is missing: install it (Debian: apt install python3-venv)." >&2; exit 1; }
	@echo "Making a virtual environment in $(VENV) ..." >&2
	@$(PYTHON) -m venv $(VENV)

# The development environment holds the other: whoever has it need not install again to see the demonstration.
$(VENV)/run.stamp: requirements.lock pyproject.toml $(VENV)/pyvenv.cfg
	@echo "Installing what the cabin needs (once, some minutes at most) ..." >&2
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/dev.stamp: requirements-dev.lock requirements.lock pyproject.toml $(VENV)/pyvenv.cfg
	@echo "Installing what the tests need (once, some minutes at most) ..." >&2
	@$(PIP) --require-hashes -r requirements-dev.lock
	@$(PIP) --no-build-isolation --no-deps --editable .
	@touch $(VENV)/run.stamp $@

# What the analysis is measured against, apart from what the cabin needs: some of it is large, some old.
$(PEERS)/run.stamp: requirements-bench.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "$$($(PYTHON) --version) is too old: the peers need 3.11 or newer; name one with make PYTHON=..." >&2; exit 1; }
	@echo "Installing the peers of the analysis in $(PEERS) (once, some minutes at most) ..." >&2
	@$(PYTHON) -m venv $(PEERS)
	@$(PEERS)/bin/python -m pip install --disable-pip-version-check --quiet --require-virtualenv --require-hashes -r requirements-bench.lock
	@touch $@

# $(call with_apt,what needs them,packages): as root, or with a sudo that asks nobody who is not there.
define with_apt
if [ "$$(id -u)" = 0 ]; then as=; \
elif command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then as=sudo; \
else echo "$(1) $(2): install what is missing (apt install $(2)), or run this as root or with sudo." >&2; exit 1; fi; \
echo "Installing $(2) ..."; \
$$as apt-get update -qq && $$as env DEBIAN_FRONTEND=noninteractive apt-get install -yqq --no-install-recommends $(2) >/dev/null \
  || { echo "apt could not install $(2): install what is missing, then try again." >&2; exit 1; }
endef

mosquitto:
	@{ { command -v mosquitto || test -x /usr/sbin/mosquitto; } && command -v openssl; } >/dev/null || { $(call with_apt,The tests need,mosquitto openssl); }

postgresql:
	@ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || { $(call with_apt,The tests need,postgresql); }

strace:
	@command -v strace >/dev/null || { $(call with_apt,The tests need,strace); }

brokers:
	@{ test -d /usr/lib/rabbitmq/bin && test -x /usr/sbin/nats-server; } || { $(call with_apt,The clusters need,rabbitmq-server nats-server); }

chromium:
	@{ test -x /usr/bin/chromium && command -v espeak-ng >/dev/null; } || { $(call with_apt,The tests of the pages need,chromium espeak-ng fonts-dejavu-core); }

# For the exposure of the units; it brings libseccomp. Nothing of it has to run.
systemd:
	@command -v systemd-analyze >/dev/null || { $(call with_apt,The tests of the units need,systemd); }

# DE1 in JavaScript, for tests/test_sync_opener.py; Debian 12's own Node 18 and npm are enough.
OPENER := tests/opener/node_modules/.stamp
opener: $(OPENER)

$(OPENER): tests/opener/package-lock.json
	@{ command -v node && command -v npm; } >/dev/null || { $(call with_apt,The tests of the envelope need,nodejs npm); }
	@echo "Installing the libraries of the JavaScript opener (once) ..." >&2
	@npm ci --prefix tests/opener --ignore-scripts --no-audit --no-fund --loglevel error >/dev/null
	@touch $@

# In CI nothing may be skipped for want of a recording.
recordings:
	@test -z "$$CI" || { test -d "$$CABIN_DATA" && test -d "$$CABIN_DATA/../protocols/vectors"; } || { \
	  echo "The real recordings are not at $$CABIN_DATA: set CABIN_DATA to where they are." >&2; exit 1; }
