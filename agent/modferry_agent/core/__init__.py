"""Pure: bytes and plain values in and out; no files, no clock, no system calls."""
