"""Training runs: the folder of one, its manifest, all of a workspace's, and which of them answers."""
