"""Training: epochs, their history, and checkpoints that resume to the same bits."""
