# demo   train on 50,000 of the built-in images, about three minutes on two free cores, and say where the pictures are
# check  lint, types and the whole test suite
# quick  the fast tests: data, models, settings, runs and the laws of the house, for people at work
# check-long  the tests that take a minute or more each
# docs   run the tests that prove a promise, and write docs/promises.md from those that pass
# experiments        do what is missing of benchmarks/experiments/experiments.toml (hours; any later call goes on)
# experiments-small  of these, 2 data sets x 3 recipes x 3 seeds x 3 minutes
# gluon  compare dcgan.textbook with the real MXNet 1.9.1, in an environment of its own (needs Python 3.11)
# site  build the documentation as a web site in build/site, and check every link of it
# torture  kill, starve and cut off runs by the thousand, about an hour and a half on two cores; started again it goes on
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

SITE := .site/bin

.PHONY: demo check quick check-long docs site gluon experiments experiments-small torture format clean

demo: $(INSTALLED)
	@echo "50,000 images: about three minutes on two free processor cores, longer on a busy machine. Ctrl-C saves."
	$(BIN)/dcgan train critters --size 32 --budget 50k --out demo
	$(BIN)/dcgan sample demo --seeds 0-63 --out demo/creatures
	@echo "Pictures: demo/samples and demo/creatures/sheet.png. Report: demo/report.html (open it in a browser)."

check: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/pytest -n 2

QUICK := tests/data tests/models tests/settings tests/runs tests/test_floors.py tests/test_pixel_law.py

quick: $(INSTALLED)
	$(BIN)/pytest -n 2 $(QUICK)

check-long: $(INSTALLED)
	$(BIN)/pytest -m long -rs

docs: $(INSTALLED)
	$(BIN)/python docs/make_promises.py

# In an environment of its own: nothing else needs Zensical.
site:
	@test -x $(SITE)/zensical || { $(PYTHON) -m venv .site && $(SITE)/pip install --quiet --disable-pip-version-check "pip>=25.1" && \
		$(SITE)/pip install --quiet --disable-pip-version-check -c constraints.txt --group site; }
	$(SITE)/python docs/make_site.py

# MXNet 1.9.1 needs a NumPy before 1.24, and asks for a graphviz that is not needed.
gluon: $(INSTALLED)
	@if command -v python3.11 >/dev/null; then \
		test -x .mxnet/bin/python || python3.11 -m venv .mxnet; \
		.mxnet/bin/pip install --quiet --disable-pip-version-check --no-deps mxnet==1.9.1 && \
		.mxnet/bin/pip install --quiet --disable-pip-version-check numpy==1.23.5 requests graphviz; \
	fi
	DCGAN_MXNET=.mxnet/bin/python $(BIN)/pytest -rs tests/textbook/test_real_mxnet.py tests/export/test_chapter_weights.py

experiments: $(INSTALLED)
	$(BIN)/python -m benchmarks.experiments.run --jobs 2 --threads 1
	$(BIN)/python -m benchmarks.experiments.tables

experiments-small: $(INSTALLED)
	$(BIN)/python -m benchmarks.experiments.run small --jobs 2 --threads 1
	$(BIN)/python -m benchmarks.experiments.tables

torture: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.torture.run --jobs 2

format: $(INSTALLED)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# pip with constraints.txt: where there is no GPU it takes the CPU build of torch, not gigabytes of CUDA.
$(INSTALLED): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check "pip>=25.1"
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt --group dev -e .
	touch $@

clean:
	rm -rf .venv .mxnet .site demo build
