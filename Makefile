# make setup, train, docs, wheel, clean.
# make test: lint, and every test but the long ones; make test-all: the long ones too; make test-core: the core's own.
# make compare: trains CoinRun with one process (train-sequential) and with many (train-parallel), and compares the two.
# PYTHON=... chooses the interpreter, ARGS="..." are further arguments of `soleus train`, DURATION=... how long each of the
# two runs takes, SEQUENTIAL=... and PARALLEL=... their folders, WHEELS=... where the wheel goes.
PYTHON ?= python3
CXX_FOUND := $(shell command -v $(CXX) || command -v g++ || command -v clang++)
VENV := .venv
BIN := $(VENV)/bin
# A stamp for everything and one for what `make train` needs. They name the interpreter: with another PYTHON= a new environment is made.
INTERPRETER := $(shell $(PYTHON) -c 'import sys; print("%d.%d%s" % (*sys.version_info[:2], sys.base_prefix.replace("/", "-")))' 2>/dev/null)
STAMP := $(VENV)/installed-$(INTERPRETER)
WALKS := $(VENV)/walks-$(INTERPRETER)
PIP := $(BIN)/python -m pip install --disable-pip-version-check --quiet --no-compile
DURATION ?= 2m
# Processes that run tests side by side: the one whose tests start Ray waits for it most of the time.
TEST_PROCESSES ?= 3
# Tests start hundreds of processes: without bytecode each of them compiles every module again.
unexport PYTHONDONTWRITEBYTECODE
# A process takes whole files, and all that starts Ray (tests/conftest.py), in the order in which they were collected.
# Threads of OpenMP that wait go to sleep: where they spin, they take the CPU from the other processes.
PYTEST = OMP_WAIT_POLICY=passive $(BIN)/python -m pytest -n $(TEST_PROCESSES) --dist loadscope --no-loadscope-reorder --durations=10
SEQUENTIAL ?= runs/sequential
PARALLEL ?= runs/parallel
COMPARISON ?= runs/comparison
WHEELS ?= dist
SOURCES := pyproject.toml constraints.txt CMakeLists.txt $(wildcard cpp/*/*)

.PHONY: setup train train-sequential train-parallel compare test test-all lint test-core docs wheel clean
.DELETE_ON_ERROR:

setup: $(STAMP)

# Makes the environment where there is none of this interpreter, and installs the project with extras. Bytecode is
# left to the first import, which compiles only what is used. What builds the core is installed beside it: in an environment
# that is made for each build, all of the core would be compiled anew.
define install
	@$(PYTHON) -c '' 2>/dev/null || { echo "error: no interpreter '$(PYTHON)': apt install python3, or name one by PYTHON="; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "error: expected Python 3.11 or later, '$(PYTHON)' is $(INTERPRETER): name another by PYTHON="; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "error: '$(PYTHON)' cannot make environments: apt install python3-venv"; exit 1; }
	@$(PYTHON) -c 'import os, sys, sysconfig; sys.exit(not os.path.exists(sysconfig.get_path("include") + "/Python.h"))' || { echo "error: '$(PYTHON)' lacks its headers: apt install python3-dev"; exit 1; }
	@test -n "$(CXX_FOUND)" || { echo "error: no C++ compiler: apt install g++"; exit 1; }
	@echo 'setting up $(VENV): this takes some minutes, once'
	@ls $(STAMP) >/dev/null 2>&1 || ls $(WALKS) >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' > $(VENV)/build-tools.txt
	$(PIP) -r $(VENV)/build-tools.txt -c constraints.txt
	$(PIP) --no-build-isolation --editable '.$(1)' -c constraints.txt
endef

$(STAMP): $(SOURCES)
	$(call install,[dev])
	@touch $@ $(WALKS)

$(WALKS): $(SOURCES)
	$(call install)
	@touch $@

# Walks need none of the extras. Where the extras are installed already, they are kept up to date.
train: $(if $(wildcard $(STAMP)),$(STAMP),$(WALKS))
	$(BIN)/soleus train walk2d $(ARGS)

# A run is never overwritten: these two refuse a folder that exists already.
train-sequential: setup
	@test ! -e $(SEQUENTIAL) || { echo "error: $(SEQUENTIAL) is there already: remove it, or name another by SEQUENTIAL="; exit 1; }
	$(BIN)/soleus train procgen-coinrun --collector inline --num-workers 1 --duration $(DURATION) --run-dir $(SEQUENTIAL) $(ARGS)

train-parallel: setup
	@test ! -e $(PARALLEL) || { echo "error: $(PARALLEL) is there already: remove it, or name another by PARALLEL="; exit 1; }
	$(BIN)/soleus train procgen-coinrun --collector workers --duration $(DURATION) --run-dir $(PARALLEL) $(ARGS)

# Trains what is not there yet: a second time it only compares.
compare: setup
	@test -e $(SEQUENTIAL) || $(MAKE) --no-print-directory train-sequential
	@test -e $(PARALLEL) || $(MAKE) --no-print-directory train-parallel
	$(BIN)/soleus compare $(SEQUENTIAL) $(PARALLEL) --out $(COMPARISON)

test: setup lint
	$(PYTEST) -m "not slow"

test-all: setup lint
	$(PYTEST)

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	@cp $(VENV)/lib/python3*/site-packages/soleus/_core.pyi src/soleus/
	$(BIN)/mypy

# The core's own tests, without Python, under the address, the thread and the undefined behaviour sanitizer.
test-core: setup
	set -e; for sanitizer in address thread undefined; do \
	  PATH="$(abspath $(BIN)):$$PATH" cmake -S . -B build/$$sanitizer -G Ninja -DSOLEUS_SANITIZE=$$sanitizer \
	    -DPython_EXECUTABLE="$(abspath $(BIN)/python)" -Wno-dev >/dev/null; \
	  PATH="$(abspath $(BIN)):$$PATH" cmake --build build/$$sanitizer; \
	  setarch -R build/$$sanitizer/soleus_core_tests; \
	done

# The documentation as a site in build/site. A link or an anchor that leads nowhere is an error.
docs: setup
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# $(WHEELS)/soleus-*.whl for other machines: two cores, of which the processor gets the one for its instructions. libmujoco comes
# with the package mujoco.
wheel: setup
	rm -rf build/wheel
	SOLEUS_ARCH=portable $(BIN)/python -m pip wheel --disable-pip-version-check --quiet --no-deps . --wheel-dir build/wheel \
	  --config-settings=build-dir=build/portable -c constraints.txt
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/auditwheel repair --exclude 'libmujoco*' --wheel-dir $(WHEELS) build/wheel/soleus-*.whl

clean:
	rm -rf $(VENV) build
