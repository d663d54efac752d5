# `make run`: the default experiment from scratch. `make test`: lint and all tests. Both set up what they need first.
PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)

# Of another experiment than the default: make report EXPERIMENT=quick CONFIG=experiments/quick.yaml
EXPERIMENT ?= furniture
REFINED = results/$(EXPERIMENT)/refined.yaml
TYPED = $(addprefix scripts/voxprune/,core settings pruning measurement answer)

.PHONY: help bench experiments compare power run test test-slurm lint settings report refine dag docs clean

help:  ## show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

run: .venv/ready  ## install what running needs, then run the default experiment
	snakemake --cores all --resources gpu=1

test: .venv/tested lint  ## install what tests need, then lint and run the tests
	python -m pytest -n auto --dist loadfile --no-loadscope-reorder tests

test-slurm: .venv/tested .venv/slurm  ## run the quick experiment through a SLURM cluster of this machine, as root
	@[ "$$(id -u)" != 0 ] || command -v slurmctld >/dev/null || \
	  { apt-get -q update && apt-get -q install -y --no-install-recommends slurm-wlm munge; }
	python -m pytest -rs -m slurm tests/test_slurm.py

lint: .venv/tested  ## check style, format and types
	ruff check .
	ruff format --check .
	snakefmt --check Snakefile rules
	mypy $(TYPED)

settings: .venv/ready  ## write config.yaml, its schema and docs/settings.md from the declared settings
	python scripts/write_settings.py

report: .venv/ready  ## everything of a finished experiment in one file for a browser
	snakemake --report results/$(EXPERIMENT)/report.html $(if $(CONFIG),--configfile $(CONFIG))

refine: .venv/ready  ## run finer levels until the level where accuracy is lost is known to within one percent
	@status=0; while python scripts/refine_levels.py --summary results/$(EXPERIMENT)/summary.csv --config $(REFINED) \
	  || { status=$$?; false; }; do \
	  snakemake --cores all --resources gpu=1 --configfile $(CONFIG) $(REFINED) || exit 1; done; test $$status -eq 3

experiments: .venv/ready  ## list the experiments that have results
	python scripts/list_experiments.py

compare: .venv/ready  ## put experiments side by side: make compare EXPERIMENTS="furniture mine"
	python scripts/compare_experiments.py --experiments $(EXPERIMENTS)

power: .venv/ready  ## say before training what the configured seeds and test objects can show
	snakemake results/$(EXPERIMENT)/power.csv --cores all --resources gpu=1 $(if $(CONFIG),--configfile $(CONFIG))

bench: .venv/tested  ## measure what is promised about speed and memory, in a quarter of an hour on a quiet machine
	python benchmarks/promises.py

dag: .venv/ready  ## print the graph of the rules
	snakemake --rulegraph mermaid-js 2>/dev/null

docs: .venv/documented  ## build the site of the docs in site/
	mkdocs build --strict

# --no-compile: Python compiles what it imports by itself; compiling the whole of the libraries takes a minute.
.venv/ready: envs/requirements.txt envs/constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "voxprune needs Python 3.11 or newer; try make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet --no-compile -r envs/requirements.txt -c envs/constraints.txt
	touch $@

# Open3D is what our voxels are tested against; without its system libraries those tests are skipped.
.venv/tested: .venv/ready envs/test.txt envs/open3d.txt
	.venv/bin/pip install --quiet --no-compile -r envs/test.txt -c envs/constraints.txt
	bash envs/system_libraries.sh || true
	touch $@

.venv/slurm: .venv/ready envs/slurm.txt
	.venv/bin/pip install --quiet --no-compile -r envs/slurm.txt -c envs/constraints.txt
	touch $@

.venv/documented: .venv/ready envs/docs.txt
	.venv/bin/pip install --quiet --no-compile -r envs/docs.txt
	touch $@

clean:  ## remove the environment
	rm -rf .venv
