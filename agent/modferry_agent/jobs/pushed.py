"""Remember what was pushed, so that just that may be loaded."""

import os

from modferry_agent.core.names import is_module_file
from modferry_agent.system import fingerprints

_TREES = ("/lib/modules/", "/usr/lib/modules/")


def record_pushed(path, sha256, size):
    # type: (str, str, int) -> None
    """Record the fingerprint of a pushed module; other files are passed over.

    A module outside of the module trees is recorded for the running release, by its
    whole path.
    """
    if not is_module_file(os.path.basename(path)):
        return
    release, name = os.uname()[2], path
    for trees in _TREES:
        above, _, below = path[len(trees) :].partition("/")
        if path.startswith(trees) and above and below:
            release, name = above, below
    fingerprints.update("", release, {name: (sha256, size)})
