"""A command by its name: the quick answer, or the whole agent.

The scripts that `jobs.install` writes call this and nothing else.
"""

import sys


def run(name):
    # type: (str) -> None
    """Be the command of that name; end the process with its exit status."""
    if name == "modprobe":
        import posix

        from modferry_agent.tools import quick

        # Python 2 has bytes already.  What is not ASCII, the quick answer leaves alone.
        words = [
            word if isinstance(word, bytes) else word.encode("ascii", "replace")
            for word in sys.argv[1:]
        ]
        if quick.is_loaded(words, posix.environ):
            posix._exit(0)
    from modferry_agent.main import main

    sys.exit(main([name] + sys.argv[1:]))
