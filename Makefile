# Every target sets up .venv by itself; a second run only compares dates.
# `run` needs what a fleet on this host needs; the others need the tools for tests and lint as well.
# PATHS are where a target's tests are: to look for them everywhere takes a minute of a processor for each worker.
# Tests of OpenStack mostly wait for its services, so that three of them share two processors well.

SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input --quiet
ARGUMENTS ?=
OPENSTACK := $(or $(OPENSTACK_HOME),/var/tmp/cloudlayer-openstack)
ON_OPENSTACK := OS_CLIENT_CONFIG_FILE=$${OS_CLIENT_CONFIG_FILE:-$(OPENSTACK)/state/etc/clouds.yaml} OS_CLOUD=$${OS_CLOUD:-ci}

.PHONY: venv run test test-crashes test-docker test-hosts test-boot test-gpu test-objects test-openstack test-pulumi test-pulumi-openstack openstack-up openstack-down objects-up objects-down mutants table lint bench clean
.DEFAULT_GOAL := venv

venv: $(VENV)/developer.stamp

run: $(VENV)/fleet.stamp
	@exec $(BIN)/cloudlayer up examples/sentiment/fleet.toml --yes $(ARGUMENTS)

test: venv
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not crashes and not hosts and not boot and not gpu and not objects and not pulumi" $(ARGUMENTS)

test-crashes: PATHS ?= tests/end_to_end tests/fleet tests/providers/local tests/runtime/process
test-crashes: venv
	$(BIN)/python -m pytest -n 2 --dist load -m crashes $(PATHS) $(ARGUMENTS)

test-docker: venv
	CLOUDLAYER_REQUIRE=docker $(BIN)/python -m pytest -m docker $(ARGUMENTS)

test-hosts: PATHS ?= tests/conformance/ssh tests/end_to_end tests/providers/ssh tests/runtime
test-hosts: venv
	CLOUDLAYER_REQUIRE=docker,hosts,registry $(BIN)/python -m pytest -n 2 --dist loadfile -m hosts $(PATHS) $(ARGUMENTS)

test-boot: PATHS ?= tests/boot
test-boot: venv
	CLOUDLAYER_REQUIRE=boot $(BIN)/python -m pytest -m boot $(PATHS) $(ARGUMENTS)

test-gpu: PATHS ?= tests/gpu
test-gpu: venv
	CLOUDLAYER_REQUIRE=gpu $(BIN)/python -m pytest -m gpu $(PATHS) $(ARGUMENTS)

test-objects: PATHS ?= tests/conformance/objects tests/storage
test-objects: venv
	CLOUDLAYER_REQUIRE=objects $(BIN)/python -m pytest -n 2 --dist loadfile -m objects $(PATHS) $(ARGUMENTS)

test-pulumi: PATHS ?= tests/infra
test-pulumi: venv
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "pulumi and not openstack" $(PATHS) $(ARGUMENTS)

test-pulumi-openstack: PATHS ?= tests/infra
test-pulumi-openstack: venv
	$(ON_OPENSTACK) CLOUDLAYER_REQUIRE=openstack $(BIN)/python -m pytest -n 2 --dist load -m "openstack and pulumi" $(PATHS) $(ARGUMENTS)

test-openstack: PATHS ?= tests/conformance/openstack tests/infra tests/providers/openstack
test-openstack: venv
	$(ON_OPENSTACK) CLOUDLAYER_REQUIRE=openstack $(BIN)/python -m pytest -n 3 --dist loadfile -m "openstack and not pulumi" $(PATHS) $(ARGUMENTS)

openstack-up:
	dev/openstack/up.sh install
	dev/openstack/up.sh

openstack-down:
	dev/openstack/down.sh

objects-up:
	for store in azurite hdfs sshd swift; do dev/objects/$$store/up.sh || exit; done

objects-down:
	for store in azurite hdfs sshd swift; do dev/objects/$$store/down.sh; done

mutants: venv
	$(BIN)/python -m tests.mutants.runs
	$(BIN)/python -m tests.mutants.runs objects

table: venv
	$(ON_OPENSTACK) CLOUDLAYER_REQUIRE=docker,hosts,objects,openstack,recordings $(BIN)/python -m pytest -n 2 --dist loadfile \
		tests/conformance tests/end_to_end tests/fleet/test_service.py --junitxml build/conformance.xml $(ARGUMENTS)
	$(BIN)/python -m cloudlayer.testing.matrix build/conformance.xml --write README.md

lint: venv
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: venv
	$(BIN)/python -m benchmarks.gateway
	$(BIN)/python -m benchmarks.coldstart
	$(BIN)/python -m benchmarks.rate
	$(BIN)/python -m benchmarks.call_graph

clean:
	rm -rf $(VENV) build *.egg-info

$(VENV)/fleet.stamp: $(VENV)/venv.stamp setup.cfg
	$(PIP) install --editable '.[fleet]'
	@touch $@

$(VENV)/developer.stamp: $(VENV)/venv.stamp setup.cfg
	$(PIP) install --editable '.[fleet,fast,aws,azure,gcp,libcloud,objects,openstack,pulumi,test,lint]'
	@touch $(VENV)/fleet.stamp $@

$(VENV)/venv.stamp:
	@if [ -z "$(PYTHON)" ]; then \
		echo 'cloudlayer needs Python 3.11 or newer with its venv module, and found none.' >&2; \
		echo 'On Debian or Ubuntu: apt-get install python3 python3-venv. Elsewhere: make PYTHON=/path/to/python3 ...' >&2; \
		exit 1; \
	fi
	"$(PYTHON)" -m venv $(VENV)
	$(PIP) install --upgrade 'pip>=25'
	@touch $@
