"""What the machine gives: threads to compute on, BLAS kept to one of them, the compiled kernel."""
