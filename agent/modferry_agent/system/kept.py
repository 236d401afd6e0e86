"""The index files as they were before a repair, kept so that it can be undone.

::

    <module tree>/.modferry-kept/<kind>/
      about             KEY VALUE, a line each; "had NAME" for each index that was there
      modules.dep ...   the files themselves, by a second name
      done              the repair was proved

They lie in the module tree because there a second name is possible: so that they keep
their bytes, their mode and their times.  The directory appears as a whole.
"""

import os

from modferry_agent.compat import native, raw
from modferry_agent.system import durable, publication, treefiles

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Sequence  # noqa: F401  # novermin

PLACE = ".modferry-kept"
_ABOUT = "about"
_DONE = "done"
# Behind a kept file's name: the second one that is renamed into its place.
_BACK = ".back"


def kinds(directory):
    # type: (str) -> list[str]
    """Return the kinds of repair that a tree keeps something of, oldest first."""
    try:
        listed = [native(name) for name in os.listdir(raw(directory + "/" + PLACE))]
    except EnvironmentError:
        return []
    found = [name for name in listed if not name.endswith(".new")]
    return sorted(found, key=lambda kind: Kept(directory, kind).number())


class Kept(object):
    """What one repair of a module tree keeps.

    directory: the module tree; kind: the repair's name
    """

    def __init__(self, directory, kind):
        # type: (str, str) -> None
        """Know the place; read nothing."""
        self.directory = directory
        self.place = "%s/%s/%s" % (directory, PLACE, kind)

    @property
    def is_begun(self):
        # type: () -> bool
        """Say whether the repair began, and was not undone."""
        return os.path.isdir(raw(self.place))

    @property
    def is_done(self):
        # type: () -> bool
        """Say whether the repair was proved."""
        return os.path.exists(raw(self.place + "/" + _DONE))

    def number(self):
        # type: () -> int
        """Return the place of the repair in the order of all of the tree."""
        number = self.about().get("number", ["0"])[0]
        return int(number) if number.isdigit() else 0

    def about(self):
        # type: () -> dict[str, list[str]]
        """Return what was noted when the repair began: key -> values."""
        text = native(treefiles.read_if_there(self.place + "/" + _ABOUT) or b"")
        notes = {}  # type: dict[str, list[str]]
        for line in text.split("\n"):
            key, _, value = line.partition(" ")
            if key:
                notes.setdefault(key, []).append(value)
        return notes

    def keep(self, names, notes):
        # type: (Sequence[str], Sequence[tuple[str, str]]) -> None
        """Keep the files of the names that are there, with notes; EnvironmentError."""
        made = self.place + ".new"
        _remove_if_there(made)
        os.makedirs(raw(made), 493)  # rwxr-xr-x
        lines = ["%s %s\n" % note for note in notes]
        for name in names:
            path = self.directory + "/" + name
            if os.path.isfile(raw(path)):
                publication.twin(path, made + "/" + name)
                lines.append("had %s\n" % name)
        durable.replace_file(made + "/" + _ABOUT, raw("".join(lines)))
        durable.sync_directory(made)
        os.rename(raw(made), raw(self.place))
        durable.sync_directory(os.path.dirname(self.place))
        durable.sync_directory(self.directory)

    def mark_done(self):
        # type: () -> None
        """Note that the repair was proved."""
        durable.replace_file(self.place + "/" + _DONE, b"")

    def contents(self):
        # type: () -> list[tuple[str, bytes]]
        """Return ``(name, bytes)`` of what is still kept."""
        found = []
        for name in self.about().get("had", []):
            content = treefiles.read_if_there(self.place + "/" + name)
            if content is not None:
                found.append((name, content))
        return found

    def put_back(self, names):
        # type: (Sequence[str]) -> None
        """Put the kept files into place; remove those of the names that were not.

        Before, the bytes that stand in the places are made those that are kept: so
        that who reads meanwhile finds one set.  All of them stay kept until `forget`:
        what was cut short here may be followed by the repair again.
        """
        had = self.about().get("had", [])
        for name in had:
            kept, at = self.place + "/" + name, self.directory + "/" + name
            if os.path.lexists(raw(kept)) and not _are_one(kept, at):
                _remove_if_there(kept + _BACK)
                publication.twin(kept, kept + _BACK)
                os.rename(raw(kept + _BACK), raw(at))
        for name in names:
            path = raw(self.directory + "/" + name)
            if name not in had and os.path.lexists(path):
                os.unlink(path)
        durable.sync_directory(self.directory)

    def forget(self):
        # type: () -> None
        """Remove what is kept, as a whole first, and what a run that was cut left."""
        gone = self.place + ".new"
        if os.path.isdir(raw(self.place)):
            _remove_if_there(gone)
            os.rename(raw(self.place), raw(gone))
        _remove_if_there(gone)
        if os.path.isdir(raw(os.path.dirname(self.place))):
            durable.remove_if_empty(os.path.dirname(self.place))
            durable.sync_directory(self.directory)


def _are_one(path, other):
    # type: (str, str) -> bool
    # To rename one name of a file over another would do nothing.
    return os.path.lexists(raw(other)) and os.path.samestat(
        os.lstat(raw(path)), os.lstat(raw(other))
    )


def _remove_if_there(path):
    # type: (str) -> None
    # Left by a run that was cut short.
    if os.path.lexists(raw(path)):
        publication.remove(path)
