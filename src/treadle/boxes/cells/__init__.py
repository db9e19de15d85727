"""Cells of a domain: a partition, the tree of its splits, and which cell holds a point."""
