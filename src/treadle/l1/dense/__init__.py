"""The solver of dense rows: sample, screen, solve what is left open, certify."""
