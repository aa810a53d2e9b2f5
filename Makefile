# Everything a fresh Debian or Ubuntu machine needs: Python 3.11 or newer, and make.
PYTHON ?= python3
BIN := .venv/bin
# So many tests at a time, each worker with servers of its own: they mostly wait. 0: one after the other.
TEST_WORKERS ?= 3
# A worker that crashes ends the run: with one put in its place, groups can wait for ever (pytest-xdist #1323, #1378).
XDIST := --numprocesses=$(TEST_WORKERS) --dist=loadscope --no-loadscope-reorder --max-worker-restart=0
# Told at the end of each run, whether or not a test failed.
SLOWEST := --durations=10
# They load the machine themselves.
ALONE := tests/end_to_end/test_chaos.py tests/end_to_end/test_bench.py

.PHONY: up test check bench chaos kills hostile setup clean help

help:
	@echo 'make up      set up what is missing and run the whole stack with demo data; Ctrl-C stops it'
	@echo 'make test    set up what is missing, check, and run every test; TEST_WORKERS=0 one at a time'
	@echo 'make check   formatting, types, import rules, the page'
	@echo 'make bench   measure and compare with the goals; BENCH_ONLY=jobs,recovery leaves the rest out'
	@echo 'make chaos   break everything for half an hour while jobs run, and check; CHAOS_SECONDS=90 CHAOS_SEED=42 replays; CHAOS_ONLY=fuzz'
	@echo 'make kills   kill workers a hundred times while they act outside; OUTSIDE_KILLS=100'
	@echo 'make hostile hostile clients beside ordinary users; HOSTILE_SECONDS=30'
	@echo 'make setup   only set up'
	@echo 'make clean   remove what was set up; keeps .data'

up: setup
	@exec $(BIN)/python -m jobmonitor.local

setup:
	@command -v $(PYTHON) >/dev/null || { echo 'Python 3.11 or newer is needed: install python3.' >&2; exit 1; }
	@exec $(PYTHON) deploy/setup.py $(SETUP_OPTIONS)

test: SETUP_OPTIONS = --browser
test: setup
	@$(MAKE) --no-print-directory check
	@$(BIN)/python -m pytest $(SLOWEST) $(XDIST) $(ALONE:%=--ignore=%); status=$$?; [ $$status -eq 2 ] && exit 2; \
	$(BIN)/python -m pytest $(SLOWEST) $(ALONE) || status=$$?; exit $$status

check: setup
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python deploy/build_page.py --check

bench: SETUP_OPTIONS = --browser
bench: setup
	@PYTHONPATH=tests exec $(BIN)/python -m bench

chaos: setup
	@PYTHONPATH=tests exec $(BIN)/python -m chaos

kills: setup
	@OUTSIDE_KILLS=$${OUTSIDE_KILLS:-100} exec $(BIN)/python -m pytest -s -n 0 tests/integration/test_outside_kills.py

hostile: SETUP_OPTIONS = --browser
hostile: setup
	@BENCH_ONLY=hostile PYTHONPATH=tests exec $(BIN)/python -m bench

clean:
	rm -rf .venv .tools services/page/node_modules services/jobmonitor/gateway/page
