"""What a request asks for: read by `system`, decided by `core`, plain values out."""
