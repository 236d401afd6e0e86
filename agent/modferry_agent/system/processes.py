"""Other programs of the box: run one, and a private place to hand it a file in."""

import errno
import os

from modferry_agent import compat
from modferry_agent.errors import LoadError


def run(command, content=b"", stdin=None):
    # type: (list[str], bytes, int | None) -> tuple[int, int, bytes, bytes]
    """Run a command in the C locale; return (its pid, status, output, error output)."""
    import subprocess

    environment = dict(os.environ)
    environment.update({"LC_ALL": "C", "LANGUAGE": "C"})
    words = [compat.raw(word) for word in command]
    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(  # noqa: S603
            words,
            stdin=pipe if stdin is None else stdin,
            stdout=pipe,
            stderr=pipe,
            env=environment,
        )
    except OSError as error:
        return 0, 127, b"", compat.raw(str(error))
    try:
        output, errors = process.communicate(content if stdin is None else None)
    except EnvironmentError as error:
        # Before Python 2.7: it left before it had read its input.
        if error.errno != errno.EPIPE or process.stdin is None:
            raise
        process.stdin.close()
        process.stdin = None
        output, errors = process.communicate()
    return process.pid, process.returncode, output, errors


def private_directory():
    # type: () -> str
    """Make and return a directory nobody else can enter (no tempfile in -minimal)."""
    for place in ("/run", "/dev/shm", "/tmp", "/var/tmp"):  # noqa: S108
        for number in range(100):
            path = "%s/modferry-%d-%d" % (place, os.getpid(), number)
            try:
                os.mkdir(compat.raw(path), 448)  # rwx------
            except OSError as error:
                if error.errno == errno.EEXIST:
                    continue
                break
            return path
    raise LoadError(
        "no directory can be written to", where="/run, /tmp", code="no-room"
    )
