"""Decision trees as networks of boxes, equal to the bit."""
