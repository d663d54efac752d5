"""The library behind the workflow, in packages that follow the data; it knows nothing of Snakemake."""
