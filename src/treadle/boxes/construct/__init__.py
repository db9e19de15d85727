"""Constructs boxes and hats for a given function: their number, places and heights."""
