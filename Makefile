# `make run`: the default experiment from scratch. `make test`: all tests. Both set up what they need first.
PYTHON ?= python3
export PATH := $(CURDIR)/.venv/bin:$(PATH)

.PHONY: run report test refine dag clean

run: .venv/ready
	snakemake --cores all --resources gpu=1

# Open3D is what our voxels are tested against; without its system libraries those tests are skipped.
test: .venv/ready
	bash envs/system_libraries.sh || true
	python -m pytest tests

# After `make run`. Of another experiment: make report EXPERIMENT=quick CONFIG=experiments/quick.yaml
EXPERIMENT ?= furniture
# Everything in one file for a browser.
report: .venv/ready
	snakemake --report results/$(EXPERIMENT)/report.html $(if $(CONFIG),--configfile $(CONFIG))

# Finer levels, until accuracy is lost within one percent.
REFINED = results/$(EXPERIMENT)/refined.yaml
refine: .venv/ready
	@status=0; while python scripts/refine_levels.py --summary results/$(EXPERIMENT)/summary.csv --config $(REFINED) \
	  || { status=$$?; false; }; do \
	  snakemake --cores all --resources gpu=1 --configfile $(CONFIG) $(REFINED) || exit 1; done; test $$status -eq 3

dag: .venv/ready
	snakemake --rulegraph mermaid-js 2>/dev/null

.venv/ready: envs/requirements.txt envs/constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "voxprune needs Python 3.11 or newer; try make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	.venv/bin/pip install --quiet -r envs/requirements.txt -c envs/constraints.txt
	touch $@

clean:
	rm -rf .venv
