"""``python -m modferry``: the same as the ``modferry`` command."""

from modferry.cli import main

main()
