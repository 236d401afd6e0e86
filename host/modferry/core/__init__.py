"""Pure: what the host decides, without input or output."""
