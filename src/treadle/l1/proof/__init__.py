"""The certificate and the arithmetic that proves it, independent of every solver."""
