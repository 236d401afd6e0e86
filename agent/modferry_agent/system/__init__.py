"""Input and output only: files, the kernel's interfaces, system calls; no decisions."""
