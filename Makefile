# Two commands do everything: `make run` serves the chat, `make test` runs every test.

PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
OLD := "This needs Python 3.11 or newer; $(PYTHON) is", sys.version.split()[0] + ". Run: make PYTHON=python3.11 …"

.DEFAULT_GOAL := help
.PHONY: help install run test fast check clean

help:
	@echo "make run     install what is missing, build the index if it is out of date, serve the chat on 127.0.0.1:7860"
	@echo "             (options: make run ARGS='--port 8000')"
	@echo "make install install what serving needs, and no more"
	@echo "make test    install what the tests need and run all of them, the slow and the browser ones too"
	@echo "make fast    the tests that take under a minute together (options: make fast ARGS='-k sandbox')"
	@echo "make check   ruff and mypy --strict"
	@echo "make clean   remove what was installed; var/ (index, models) stays"

install: $(VENV)/.installed-run

run: install
	@$(BIN)/python app.py serve $(ARGS)

test: $(VENV)/.installed-test
	$(BIN)/python -m pytest -m "" $(ARGS)

fast: $(VENV)/.installed-test
	$(BIN)/python -m pytest $(ARGS)

check: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict

clean:
	rm -rf $(VENV)

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit(" ".join([$(OLD)]))'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.installed-run: pyproject.toml constraints.txt | $(VENV)/.made
	@echo "Installing the pinned packages into $(VENV); the first time takes some minutes."
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[ocr]'
	@touch $@

$(VENV)/.installed-test: pyproject.toml constraints.txt | $(VENV)/.made
	@echo "Installing the pinned packages and what the tests need into $(VENV); the first time takes some minutes."
	@$(PIP) install --quiet --constraint constraints.txt --editable '.[ocr,test]'
	@touch $(VENV)/.installed-run $@
