"""A result as something to look at: one page that needs nothing but a browser."""
