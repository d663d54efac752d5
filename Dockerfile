# All that voxprune needs and nothing of its code, which comes from your clone: docs/cluster.md, "Containers".
#   docker build -t voxprune .                                        torch with CUDA
#   docker build -t voxprune --build-arg TORCH_INDEX=<address> .      torch as that package index has it: PyTorch has one for CPUs
FROM debian:bookworm-slim

COPY envs/container.sh envs/requirements.txt envs/constraints.txt /opt/voxprune/
RUN bash /opt/voxprune/container.sh python
ARG TORCH_INDEX
RUN bash /opt/voxprune/container.sh torch
RUN bash /opt/voxprune/container.sh packages

ENV PATH=/opt/venv/bin:$PATH HOME=/tmp
USER 1000:1000
WORKDIR /voxprune
CMD ["snakemake"]
