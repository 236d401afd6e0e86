"""Command lines by theme; each Python module has ``CASES``."""
