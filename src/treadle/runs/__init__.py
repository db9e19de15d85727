"""Runs: each is one training from a configuration, in its own folder."""
