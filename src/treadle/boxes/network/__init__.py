"""A network of boxes as it is kept, evaluated, written as layers, and saved."""
