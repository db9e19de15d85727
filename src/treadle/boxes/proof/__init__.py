"""What is known of a function, and the bound of the error that follows."""
