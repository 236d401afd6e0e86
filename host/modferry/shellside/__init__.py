"""Requests answered by this host, over a plain shell on a box without Python.

The box is asked with the tools that a busybox has: what files there are, their sums,
the bytes of those that this host has never seen, the kernel's own files.  The agent's
code runs here, on a copy below a root of its own (`mirror`).  What it decides is then
done on the box: by ``mv``, ``insmod``, ``rmmod``.
"""
