"""Trains by epochs, records them, and resumes from checkpoints to the same bits."""
