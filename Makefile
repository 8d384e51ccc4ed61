# Every target sets up what it needs: Debian packages (as root; else it says which) and a virtual environment in .venv.
# `make PYTHON=python3.12 test` takes another Python; for a change of it: make clean first.
export PYTHON ?= python3
SHELL := /bin/bash
PY := .venv/bin/python
ARGS ?=
SCENARIOS ?= tests/lab

.PHONY: help test test-all packages deb rpm generated lint lab demo recording bench clean

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

test: ## the test suite, without the lab; ARGS="-k grub" goes to pytest
	@tests/setup.sh test
	@$(PY) -m compileall -q agentprep
	@$(PY) -m pytest -n auto $(ARGS)

test-all: ## the test suite on every Python found, 3.6 to 3.14
	@tests/setup.sh test
	@tests/pythons.sh $(ARGS)

packages: ## the deb and the RPM built, installed, upgraded, removed; units, examples and manual judged (root; Python 3.11)
	@tests/setup.sh packages
	@$(PY) -m pytest tests/packages $(ARGS)

deb: ## the Debian packages, in dist/, judged by lintian (Debian 12; DEB_BUILD_OPTIONS=nocheck builds without the tests)
	@tests/setup.sh deb
	@packaging/deb.sh

rpm: ## the source RPM and the noarch RPMs, in dist/, built by rpmbuild (CHECK=0 builds without the tests)
	@tests/setup.sh rpm
	@packaging/rpm.sh

generated: ## packaging/generated anew: the manual, agentprep.conf and the shells' completions
	@tests/setup.sh generated
	@$(PY) packaging/generate.py

lint: ## ruff, mypy, Python 3.6 by vermin, no paths of one machine
	@tests/setup.sh lint
	.venv/bin/ruff check --config .ci/ruff.toml agentprep packaging tests
	.venv/bin/ruff format --check --quiet --config .ci/ruff.toml agentprep packaging tests
	.venv/bin/mypy
	.venv/bin/vermin -t=3.6- --no-tips --quiet agentprep
	tests/paths.sh

lab: ## the scenarios on real guests in virtual machines (root; the first time builds them); ARGS goes to pytest
	@tests/setup.sh lab
	@$(PY) -m tests.lab setup
	@$(PY) -m pytest $(SCENARIOS) $(ARGS)

demo: ## agentprep on a real guest, from untouched to ready, with proof
	@tests/setup.sh demo
	@$(PY) -m tests.lab setup
	@$(PY) -m tests.lab demo

recording: ## docs/session.svg anew: a session on the console of a real guest (root; the first time builds the guest)
	@tests/setup.sh lab
	@$(PY) -m tests.lab setup
	@$(PY) -m tests.lab.record

bench: ## what it costs, measured beside the limits (root; the first time builds a Debian tree)
	@tests/setup.sh bench
	@$(PY) -m tests.bench $(ARGS)

clean: ## remove the environments and what tools left; the lab's guests stay in the cache
	rm -rf .venv .venv-3.* build dist *.egg-info .hypothesis .mypy_cache .ruff_cache .pytest_cache
	find agentprep packaging tests -name __pycache__ -type d -prune -exec rm -rf {} +
