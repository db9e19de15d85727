"""Decision trees as networks of boxes, with the bits of their own predictions."""
