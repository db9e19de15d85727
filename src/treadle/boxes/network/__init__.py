"""Stores, evaluates and saves a network of boxes, and writes it as layers."""
