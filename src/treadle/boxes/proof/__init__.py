"""Takes what is known of a function, and proves a bound of the error."""
