"""Which boxes there are."""
