# One way in: every target makes .venv and installs what it needs, once.
# On Windows run it in Git Bash. Choose an interpreter with `make test PYTHON=python3.12`.

ifeq ($(OS),Windows_NT)
PYTHON ?= python
BIN := .venv/Scripts
else
PYTHON ?= python3
BIN := .venv/bin
endif

INSTALLED := .venv/.installed
NEWEST_DEMO = $$(ls -d runs/[0-9][0-9][0-9][0-9]-demo | tail -n 1)
# What is left out needs an extra of its own, or a model, or measures nothing.
BENCHES := $(filter-out bench/fetch.py bench/photo%.py bench/fidelity.py bench/ablate.py bench/contact.py bench/altered.py bench/missing_detail.py bench/ship.py bench/trained.py bench/widen.py bench/carry_critic.py,$(wildcard bench/*.py))

.PHONY: help demo test lint bench
.DEFAULT_GOAL := help

help:
	@echo "make demo    paint new clothes after some minutes of training, and mend an old photograph"
	@echo "make test    run the tests"
	@echo "make lint    check format, style and types"
	@echo "make bench   run every benchmark, shortened; the full ones are: $(BIN)/python bench/NAME.py"

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or newer is needed: make PYTHON=python3.12 ...')"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check -e ".[dev]" -c constraints.txt
	@touch $@

demo: $(INSTALLED)
	$(BIN)/ganvas train demo/fashion-mnist --runs runs --name demo --preset demo
	$(BIN)/ganvas sample $(NEWEST_DEMO)/model.safetensors --seeds 0-63 --grid 8x8 --out demo-run
	rm -rf demo-run/photo
	$(BIN)/ganvas revive demo/photo/worn.jpg --scale 2 --out demo-run/photo
	cp demo-run/photo/worn.png demo-run/photo/by-itself.png
	cp demo/photo/mask.png demo-run/photo/steps/worn/1-mask.png
	$(BIN)/ganvas revive demo/photo/worn.jpg --scale 2 --out demo-run/photo
	@echo "New clothes:          demo-run/"
	@echo "An old photograph:    demo/photo/worn.jpg; revived without help: demo-run/photo/by-itself.png,"
	@echo "                      and with its mask corrected by hand: demo-run/photo/worn.png (steps beside it)"
	@echo "How they came about:  $(NEWEST_DEMO)/samples/"

# One thread a worker: torch's own threads and the workers would fight for the same cores.
test: export OMP_NUM_THREADS := 1
test: $(INSTALLED)
	$(BIN)/pytest -n auto

lint: $(INSTALLED)
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

bench: $(INSTALLED)
	@set -e; for file in $(BENCHES); do echo "== $$file --quick"; $(BIN)/python $$file --quick; done
