"""An alias in modprobe.d in place of a link to a module file, and back again.

depmod of kmod 9 to 17 loses every symbol that is exported under an even number of
names, links counted.  An alias serves ``modprobe NAME`` as the link did, and is no
second name to depmod.  What was a link is kept beside its alias, to be undone::

    # link /lib/modules/2.6.32/rtai/rtai_ksched.ko -> rtai_sched.ko
    alias rtai_ksched rtai_sched

Not served by an alias: who opens the link by its path (insmod, rtai-load).
"""

import errno
import os

from modferry_agent.compat import TYPE_CHECKING, native, raw
from modferry_agent.core.names import module_name
from modferry_agent.errors import FileError
from modferry_agent.system import durable, moduletree, treefiles

if TYPE_CHECKING:
    from typing import Any, Callable  # noqa: F401  # novermin

    # Path of the link, what it says, its module name, that of the file.
    Link = tuple[str, str, str, str]

CONFIG = "/etc/modprobe.d/modferry-links.conf"
_RECORD = "# link "
_ARROW = " -> "


def alias_links(
    basedir="", release=None, only=None, dry_run=False, context=None, publish=None
):
    # type: (str, str | None, list[str] | None, bool, Any, Callable[[list[str]], Any] | None) -> dict[str, Any]
    """Replace the links of a module tree by aliases; the indexes are not written.

    only: module names of the links that are meant; None: all under another name
    publish: is called with the paths of the links before the first one goes, to write
        indexes that do without them: in older ones other modules may need a link
    Returns {config, links: [{path, target, name, module}], dry_run}.

    The aliases are on the disk before the first link goes, so that each name leads to
    its module at every moment; a second run ends what one that was killed began.
    """
    release = release or os.uname()[2]
    tree = "%s/lib/modules/%s" % (basedir, release)
    links = _links_of(tree, only)
    config = basedir + CONFIG
    if links and not dry_run:
        known = _read(config)
        lines = known.split("\n")
        for path, target, name, module in links:
            record = _RECORD + path[len(basedir) :] + _ARROW + target
            if record not in lines:
                known += "%s\nalias %s %s\n" % (record, name, module)
        _write(config, known)
        if publish is not None:
            publish([link[0] for link in links])
        for path, _target, _name, _module in links:
            _change(os.unlink, path)
        _sync(links)
    return _reply(config, links, dry_run)


def restore_links(basedir="", dry_run=False, context=None, publish=None):
    # type: (str, bool, Any, Callable[[], Any] | None) -> dict[str, Any]
    """Undo `alias_links`: make the links again, and take the aliases away.

    publish: is called in between, to write indexes that have the links
    """
    config = basedir + CONFIG
    links = _recorded(basedir, _read(config))
    if not dry_run:
        for path, target, _name, _module in links:
            _change(_linker(target), path)
        _sync(links)
    if publish is not None:
        publish()
    if not dry_run:
        durable.remove_leftovers(config)
        if links:
            _change(os.unlink, config)
            durable.sync_directory(os.path.dirname(config))
    return _reply(config, links, dry_run)


def _links_of(tree, only):
    # type: (str, list[str] | None) -> list[Link]
    entries = moduletree.walk(tree)
    # Of a file outside of the tree a link is the only name that depmod sees.  A linked
    # directory is part of the tree, wherever it leads to.
    own = dict(
        [
            (entry.identity, module_name(entry.location))
            for entry in entries
            if entry.target is None
        ]
    )
    found = []  # type: list[Link]
    for entry in entries:
        location = entry.location
        if entry.target is None or not os.path.islink(raw(location)):
            continue
        name, module = module_name(location), own.get(entry.identity)
        if module is None or name == module or "\n" in location:
            continue
        if only is None or name in [module_name(one) for one in only]:
            target = native(os.readlink(raw(location)))
            found.append((location, target, name, module))
    return sorted(found)


def _recorded(basedir, text):
    # type: (str, str) -> list[Link]
    found = []  # type: list[Link]
    lines = text.split("\n")
    for record, alias in zip(lines, lines[1:]):
        words = alias.split()
        if record.startswith(_RECORD) and len(words) == 3:
            path, _, target = record[len(_RECORD) :].partition(_ARROW)
            found.append((basedir + path, target, words[1], words[2]))
    return found


def _read(config):
    # type: (str) -> str
    return native(treefiles.read_if_there(config) or b"")


def _write(config, text):
    # type: (str, str) -> None
    directory = os.path.dirname(config)
    try:
        if not os.path.isdir(raw(directory)):
            os.makedirs(raw(directory), 493)  # rwxr-xr-x
        durable.replace_file(config, raw(text))
    except EnvironmentError as error:
        raise _refused(error, config)


def _change(call, path):
    # type: (Any, str) -> None
    try:
        call(raw(path))
    except EnvironmentError as error:
        # Done already, by the run that was killed.
        if error.errno not in (errno.ENOENT, errno.EEXIST):
            raise _refused(error, path)


def _linker(target):
    # type: (str) -> Any
    return lambda path: os.symlink(raw(target), path)


def _sync(links):
    # type: (list[Link]) -> None
    for directory in sorted(set([os.path.dirname(link[0]) for link in links])):
        durable.sync_directory(directory)


def _refused(error, path):
    # type: (EnvironmentError, str) -> FileError
    return FileError(
        "the links and aliases cannot be changed: %s" % error.strerror,
        where=path,
        hint="what was done so far holds; the same command ends it",
        errno=error.errno,
    )


def _reply(config, links, dry_run):
    # type: (str, list[Link], bool) -> dict[str, Any]
    keys = ("path", "target", "name", "module")
    return {
        "config": config,
        "links": [dict(zip(keys, link)) for link in links],
        "dry_run": dry_run,
    }
