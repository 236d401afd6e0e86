"""Remember what was pushed, so that just that may be loaded."""

import os
import re

from modferry_agent.core.names import is_module_file
from modferry_agent.system import fingerprints

_IN_TREE = re.compile("^(?:/usr)?/lib/modules/([^/]+)/(.+)$")


def record_pushed(path, sha256, size):
    # type: (str, str, int) -> None
    """Record the fingerprint of a pushed module; other files are passed over.

    A module outside of the module trees is recorded for the running release, by its
    whole path.
    """
    if not is_module_file(os.path.basename(path)):
        return
    found = _IN_TREE.match(path)
    release, name = found.groups() if found else (os.uname()[2], path)
    fingerprints.update("", release, {name: (sha256, size)})
