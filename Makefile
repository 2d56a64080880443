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
preload = $(shell for l in $(1) stdc++; do $${CXX:-c++} -print-file-name=lib$$l.so; done)
# The thread sanitizer of older compilers needs addresses that aren't too random.
UNRANDOM := $(shell setarch -R true 2>/dev/null && echo setarch -R)
THREADED = LD_PRELOAD="$(call preload,tsan)" $(UNRANDOM) $(BIN)/python
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_CONSTRAINT := constraints.txt
export PIP_BUILD_CONSTRAINT := constraints.txt

.PHONY: demo test test-full lint types sanitize sanitize-memory sanitize-threads unit partitions clean
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

# Samples, always: sanitizers make the full counts' random cases take hours.
sanitize: sanitize-memory sanitize-threads
sanitize-memory sanitize-threads: export HETSCHED_FULL := 0

# Address and undefined-behaviour sanitizers over everything that the native core does in tests.
sanitize-memory: $(SANITIZED)/memory/built
	LD_PRELOAD="$(call preload,asan ubsan)" ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=halt_on_error=1 \
	  $(BIN)/python scripts/pytest_sanitized.py $(SANITIZED)/memory -q tests/unit/place \
	  tests/unit/runtime/test_dispatch*.py tests/unit/test_threads.py tests/unit/trace/test_histogram.py \
	  $(addprefix tests/unit/runtime/test_,desk.py learning.py) \
	  $(addprefix tests/unit/sim/test_,differential.py properties.py refused.py simulate.py)

# The thread sanitizer over what several threads do: first whether it tells of races at all (66 is
# its exit code then), from C++ and below Python; then without Python, then the runtime's threads.
sanitize-threads: export TSAN_OPTIONS := exitcode=66 suppressions=scripts/thread_sanitizer.supp
sanitize-threads: $(SANITIZED)/threads/built
	$(UNRANDOM) $(<D)/threads --racy >$(<D)/racy.log 2>&1; test $$? -eq 66
	$(THREADED) scripts/pytest_sanitized.py $(<D) --racy >$(<D)/race.log 2>&1; test $$? -eq 66
	$(UNRANDOM) $(<D)/threads
	$(THREADED) scripts/pytest_sanitized.py $(<D) -q tests/unit/test_threads.py tests/unit/trace \
	  $(addprefix tests/unit/place/test_,native.py series.py) \
	  $(addprefix tests/unit/runtime/test_,dispatch*.py runtime.py calls.py workers.py tracing.py faults_random.py)

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

$(SANITIZED)/memory/built: SANITIZERS := address,undefined
$(SANITIZED)/threads/built: SANITIZERS := thread
$(SANITIZED)/%/built: $(VENV)/tested
	$(BIN)/cmake -S . -B $(@D) -G Ninja -DCMAKE_MAKE_PROGRAM=$(abspath $(BIN))/ninja \
	  -DSKBUILD_PROJECT_NAME=hetsched -DPython_EXECUTABLE=$(abspath $(BIN))/python \
	  -DHETSCHED_SANITIZE=$(SANITIZERS) -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS=-O1 >/dev/null
	$(BIN)/cmake --build $(@D)
	@touch $@

clean:
	rm -rf build $(VENV)
