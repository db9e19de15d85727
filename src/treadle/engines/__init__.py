"""Engines compute predictions, gradients and epochs of training; see ``engine.py`` for their contract."""
