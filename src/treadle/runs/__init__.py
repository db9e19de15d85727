"""A run: one training from a configuration, in a folder of its own."""
