# Verbs of the repository; `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help setup up down status compile check test unit planted prove restore-drill planted-drill proof bench lock

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

setup: ## install what is missing (Python packages, Prometheus, Alertmanager, node exporter, restic); or do nothing
	@scripts/bootstrap.sh

up: setup ## start everything, ask one sample question, print the cited answer and the addresses
	@$(BIN)/bongsu up

down: ## stop everything that `make up` started
	@if [ -x $(BIN)/bongsu ]; then $(BIN)/bongsu down; else echo "nothing is installed, so nothing runs"; fi

status: ## what runs, since when, how often restarted
	@$(BIN)/bongsu status

compile: setup ## compile slo/, alerts/ and dashboards/ into deploy/rendered/
	@$(BIN)/bongsu compile

check: setup ## lint, types, contracts, dependencies, shell, YAML, committed output, promtool, amtool
	@scripts/check.sh

test: setup ## the whole default test suite (8 minutes at most on 2 cores); brings Chromium for the tests of the page
	-@scripts/bootstrap.sh --browser
	@$(BIN)/python -m pytest tests -m "not proof and not long" -n 4 --dist loadfile --no-loadscope-reorder -q

unit: setup ## unit tests alone: no network, no clock
	@$(BIN)/python -m pytest tests/unit -n 2 -q

planted: setup ## plant each defect in a proof on real components: every proof must fail, with its own verdict
	@$(BIN)/python -m pytest tests/real/test_prove.py -m proof -q

prove: setup ## prove that the alerts of openai-errors fire, are delivered and clear
	@$(BIN)/bongsu prove openai-errors

restore-drill: setup ## lose both stores and a repository, restore from the other one, measure RPO and RTO (5 minutes at most)
	@$(BIN)/bongsu drill both-stores-lost

planted-drill: setup ## plant each of twelve defects in the restore drill (15 minutes): every drill must fail and name it
	@$(BIN)/python -m pytest tests/real/test_drill.py -m "proof and long" -q -s

proof: setup ## the long trials, in full or one part (PART=loop, restores, jobs, service, rules); writes docs/proof/
	@scripts/proof.sh $(PART)

bench: setup ## print the figures, as ratios measured in one run
	-@scripts/bootstrap.sh --browser
	@scripts/bench.sh

lock: ## lock requirements/*.txt again from pyproject.toml
	@scripts/lock.sh
