"""Boxes and hats for a function that is given: how many, where, how high."""
