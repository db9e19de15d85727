"""The commands on runs of tables: train, evaluate, predict and report."""
