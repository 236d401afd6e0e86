"""Whether the indexes give each module what it needs, and who can tell."""

import os

from modferry_agent.compat import TYPE_CHECKING, native, raw
from modferry_agent.core import foresight
from modferry_agent.core.names import split_paths
from modferry_agent.jobs import foresee, prove
from modferry_agent.system import processes

if TYPE_CHECKING:
    from typing import Any  # noqa: F401  # novermin

    from modferry_agent.core.foresight import Lines  # noqa: F401

# modprobe is asked for no more modules than that: each takes a process.
MOST_ASKED = 64


class Right(object):
    """The dependencies of a tree as they have to be.

    release: of the tree; tree: as it was read
    """

    def __init__(self, release, context=None, remember=False):
        # type: (str, Any, bool) -> None
        """Read the tree; FormatError: its modules need each other in a cycle.

        remember: read what `remember` keeps, too
        """
        self.release = release
        self.tree = foresee.read_tree(release, "", None, 0, context, remember)
        self.subject = foresee.subject_of(self.tree)

    def remember(self):
        # type: () -> None
        """Keep what the modules say, for the depmod that is to come."""
        if self.tree.cache is not None:
            self.tree.cache.write({}, self.tree.facts)

    def lacking(self, lines):
        # type: (Lines | None) -> list[str]
        """Return the paths of modules whose line lacks a file that they need."""
        coming = foresight.Outcome(lines or {})
        return [each["path"] for each in foresight.judged(self.subject, coming, lines)]

    def lacking_now(self):
        # type: () -> list[str]
        """Return the same of the index that modprobe reads."""
        return self.lacking(foresee.lines_now(self.tree.directory))

    def refused_by_modprobe(self, program, paths):
        # type: (str, list[str]) -> list[str]
        """Return those of the paths that the box's modprobe would load with a gap."""
        wrong = []
        by_path = dict(
            [(module.path, at) for at, module in enumerate(self.tree.modules)]
        )
        for path in paths[:MOST_ASKED]:
            if path not in by_path:
                continue  # It was a link, and is an alias now.
            at = by_path[path]
            module = self.tree.modules[at]
            steps = prove.steps_by_modprobe(program, module.name, self.release)
            wanted = [self._real(each) for each in reversed(self.subject.lines[at])]
            if steps is None or [one for one in steps if one in wanted] != wanted:
                wrong.append(path)
        return wrong

    def _real(self, module):
        # type: (Any) -> str
        return native(os.path.realpath(raw(self.tree.path_of(module))))


def lines_by(program, release):
    # type: (str, str) -> Lines | None
    """Return the lines that a depmod would write; None if it refuses."""
    _, status, output, _ = processes.run([program, "-n", release])
    if status:
        return None
    lines = {}
    for line in native(output).split("\n"):
        if line.startswith("#"):
            break  # The next file begins.
        path, colon, rest = line.partition(":")
        if colon:
            lines[path] = split_paths(rest)
    return lines
