"""Pixels and files: read, convert, resize, mark, write. NumPy and Pillow only."""
