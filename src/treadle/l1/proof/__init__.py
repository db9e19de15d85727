"""What a certificate proves, and the arithmetic that proves it; nothing here knows a solver."""
