"""The loop and everything it owns."""
