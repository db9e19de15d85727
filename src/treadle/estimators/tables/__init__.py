"""Estimators of tables: one network, RealMLP-TD, fed from frames as they are."""
