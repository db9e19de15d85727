"""Pivots from a vertex that the theorem refused to one that it proves."""
