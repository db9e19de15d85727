"""Partitions of a domain into cells, and the search for a point's cell."""
