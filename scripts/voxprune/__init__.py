"""Pruning 3D CNNs, honestly measured. The library behind the workflow; it knows nothing of Snakemake."""
