#!/usr/bin/env bash
# What a container of voxprune holds, for the Dockerfile and envs/apptainer.def alike: `container.sh STEP`, in the folder of
# this script. The packages are the pinned ones of requirements.txt; torch's build depends on TORCH_INDEX.
set -eu
cd "$(dirname "$0")"
export PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1

case $1 in
  python)
    apt-get update
    apt-get install -y --no-install-recommends ca-certificates python3 python3-venv
    rm -rf /var/lib/apt/lists/*
    python3 -m venv /opt/venv
    ;;
  torch)  # as the package index TORCH_INDEX has it; where none is named, as PyPI has it, which is with CUDA
    /opt/venv/bin/pip install ${TORCH_INDEX:+--index-url "$TORCH_INDEX"} "$(grep '^torch==' requirements.txt)"
    ;;
  packages)
    /opt/venv/bin/pip install -r requirements.txt -c constraints.txt
    ;;
esac
