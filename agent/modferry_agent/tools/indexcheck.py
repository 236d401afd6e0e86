"""Are the indexes whole, and do they match the modules?  At boot, and after dpkg."""

import sys

from modferry_agent.compat import TYPE_CHECKING, raw
from modferry_agent.jobs.hook import indexes_checked

if TYPE_CHECKING:
    from typing import Sequence  # noqa: F401  # novermin

# The kernel's log is there before any other, and goes into the others.
_LOG = "/dev/kmsg"
_NOTICE = 5


def main(argv):
    # type: (Sequence[str]) -> int
    """Check all module trees, or those of the releases that are named; log changes.

    argv: ``indexcheck [-b BASEDIR] [RELEASE...]``
    """
    words = list(argv[1:])
    basedir = ""
    if words[:1] == ["-b"]:
        basedir = words[1]
        words = words[2:]
    for line in indexes_checked(words or None, basedir):
        text = "modferry: " + line + "\n"
        sys.stderr.write(text)
        try:
            stream = open(_LOG, "wb", 0)
            try:
                stream.write(raw("<%d>%s" % (_NOTICE, text)))
            finally:
                stream.close()
        except EnvironmentError:
            continue
    return 0
