# make app   open the dashboard        make test   run all the tests
# make lint  style and types           make example, make clean
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready

.PHONY: app test lint example clean

app: $(READY)
	$(BIN)/python -m streamlit run dashboard/app.py --server.address 127.0.0.1

# what needs no browser two at a time; then the browser's journeys, which measure, one by one
test: $(READY)
	$(BIN)/python -m pytest -n 2 --ignore tests/journeys
	$(BIN)/python -m pytest tests/journeys

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# the experiment that the first page shows
example: $(READY)
	$(BIN)/python -m cl_core build-example

clean:
	rm -rf $(VENV) *.egg-info artefacts .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# newer than what it was installed from: nothing to do
$(READY): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo 'Inversion Lab needs Python 3.11 or newer; name one, as in: make app PYTHON=python3.12' >&2; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || { \
	  echo 'Python cannot make a virtual environment; on Debian and Ubuntu: sudo apt install python3-venv' >&2; exit 1; }
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	@touch $@
