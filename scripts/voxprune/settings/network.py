"""The setting `network`: where the built-in networks are, and which one is taken by default."""

NETWORKS = "networks/architectures"
DEFAULT_NETWORK = "original"
