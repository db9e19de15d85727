"""Finds the machine's threads and memory, limits BLAS, and calls the compiled kernel."""
