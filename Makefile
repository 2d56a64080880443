# make demo       set up, plan the real text detector for a phone's SoC, run the plan here, verify it
# make test       set up, then every kind of test, with samples where the full count is large
# make test-full  the same with the full counts
# make partitions writes the reference plans anew
# JOBS=4 runs four tests at a time instead of two
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
JOBS ?= 2
DEMO_PLAN := build/demo/ppocr-det.plan.json
NATIVE := $(shell find native -type f) CMakeLists.txt pyproject.toml constraints.txt
SANITIZED := build/sanitized
PRELOAD = $(shell for l in asan ubsan stdc++; do $${CXX:-c++} -print-file-name=lib$$l.so; done)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_CONSTRAINT := constraints.txt
export PIP_BUILD_CONSTRAINT := constraints.txt

.PHONY: demo test test-full lint types sanitize unit partitions clean
.DELETE_ON_ERROR:

demo: $(VENV)/installed
	@mkdir -p $(dir $(DEMO_PLAN))
	$(BIN)/hetsched plan zoo:ppocr-det --profile helio-g90 -o $(DEMO_PLAN) --force
	$(BIN)/hetsched run $(DEMO_PLAN) --verify

test: lint types sanitize unit

test-full: export HETSCHED_FULL := 1
test-full: test

lint: $(VENV)/tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/tested
	$(BIN)/mypy

# Address and undefined-behaviour sanitizers over everything that the native core does in tests.
# Samples, always: they make the full counts' random cases take hours.
sanitize: $(SANITIZED)/built
	HETSCHED_FULL=0 LD_PRELOAD="$(PRELOAD)" ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1 \
	  $(BIN)/python scripts/pytest_sanitized.py $(SANITIZED) -q tests/unit/place tests/unit/runtime/test_dispatch*.py \
	  $(addprefix tests/unit/sim/test_,differential.py properties.py refused.py simulate.py)

unit: $(VENV)/tested
	$(BIN)/pytest -n $(JOBS) --dist worksteal

partitions: $(VENV)/installed
	@for name in $$($(BIN)/python -c 'from hetsched.zoo.catalog import names; print(*names())'); do \
	  mkdir -p partitions/$$name && $(BIN)/hetsched plan zoo:$$name --profile helio-g90 \
	    -o partitions/$$name/helio-g90.latency.json --force || exit 1; \
	done

$(BIN)/python:
	scripts/system_packages.sh $(PYTHON)
	$(PYTHON) -m venv $(VENV)

# Editable: Python files count as they are, the native core is built again when it changes.
$(VENV)/installed: $(BIN)/python $(NATIVE)
	@echo "installing hetsched and what it needs into $(VENV), building its native core"
	$(BIN)/pip install --quiet --editable .
	@touch $@

$(VENV)/tested: $(BIN)/python $(NATIVE)
	@echo "installing hetsched, what it needs and what its tests need into $(VENV)"
	$(BIN)/pip install --quiet --editable '.[test,qnn,openvino,pocl]'
	@touch $@ $(VENV)/installed

$(SANITIZED)/built: $(VENV)/tested
	$(BIN)/cmake -S . -B $(SANITIZED) -G Ninja -DCMAKE_MAKE_PROGRAM=$(abspath $(BIN))/ninja \
	  -DSKBUILD_PROJECT_NAME=hetsched -DPython_EXECUTABLE=$(abspath $(BIN))/python \
	  -DHETSCHED_SANITIZE=ON -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS=-O1 >/dev/null
	$(BIN)/cmake --build $(SANITIZED)
	@touch $@

clean:
	rm -rf build $(VENV)
