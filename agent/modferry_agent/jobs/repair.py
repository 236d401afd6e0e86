"""Repairs that last: the indexes, aliases in place of links, the agent's depmod.

Each one keeps the indexes as they were, changes the box step by step so that modprobe
works after each of them, and is proved by the box's own modprobe before it is done.
What was cut short is ended by the same request, or undone.
"""

import os

from modferry_agent.compat import TYPE_CHECKING, raw
from modferry_agent.core import depfiles, foresight
from modferry_agent.errors import FileError, RequestError
from modferry_agent.jobs import (
    diversion,
    foresee,
    indexes,
    linkalias,
    soundness,
    treestamp,
    userland,
)
from modferry_agent.jobs.push import file_error
from modferry_agent.jobs.tree import directory_of, running_release
from modferry_agent.system import durable, factcache, fingerprints, indexstore
from modferry_agent.system.kept import Kept, kinds

if TYPE_CHECKING:
    from typing import Any, Callable, Sequence  # noqa: F401  # novermin
    from modferry_agent.jobs.tree import Tree  # noqa: F401

KINDS = ("indexes", "aliases", "divert")
_NAMES = [row[0] for row in depfiles.TABLE]


def repair(kind, release=None, dry_run=False, context=None):
    # type: (str, str | None, bool, Any) -> dict[str, Any]
    """Repair a module tree in one of three ways; see the file's head.

    Returns kind, release, directory, broken (paths of modules that lacked something
    before), changed (paths), left (paths of modules that kmod 9 to 17 would break all
    the same, since different files export a symbol), proof and dry_run.  proof:
    modprobe (whose word it is), asked (how many modules), depmod (who was asked what it
    would write, or null).

    FileError, RequestError: nothing was changed, or all of it was undone again.
    """
    _check(kind)
    release = release or running_release()
    records = [path for path in _records(release) if os.path.exists(raw(path))]
    before = soundness.Right(release, context, not dry_run)
    directory = before.tree.directory
    kept = Kept(directory, kind)
    broken = before.lacking_now()
    left = _left_by_aliases(before) if kind == "aliases" else []
    if dry_run:
        changed = _change(kind, release, directory, True, context)
        changed.extend(_write(release, directory, True, context))
        return _reply(kind, before, broken, changed, left, None, True)
    changed = []
    began = kept.is_begun
    try:
        if not began:
            kept.keep(_NAMES, _notes(before, records))
        # Only now, when an undoing knows that it was not there.
        before.remember()
        changed.extend(_change(kind, release, directory, False, context))
        changed.extend(_write(release, directory, False, context))
    except EnvironmentError as error:
        raise file_error(error, directory)
    proof, complaint = _prove(kind, release, broken, left, context)
    if complaint:
        undo(kind, release)
        raise FileError(
            complaint + "; all was put back as it was",
            where=directory,
            hint="modferry diagnose MODULE --on BOX says what such a module lacks",
            code="repair-unproved",
        )
    kept.mark_done()
    if kind == "indexes" and not changed and not began:
        kept.forget()  # There was nothing to repair, and there is nothing to undo.
    return _reply(kind, before, broken, changed, left, proof, False)


def undo(kind, release=None, dry_run=False, context=None):
    # type: (str, str | None, bool, Any) -> dict[str, Any]
    """Undo a repair: links, depmod and indexes are what they were, to the byte.

    Returns kind, release, directory, changed (paths), indexes (``restored``; ``kept``
    where the modules are others than then, so that the old indexes would be wrong;
    ``none`` if nothing was repaired), dry_run.
    """
    _check(kind)
    release = release or running_release()
    directory = directory_of(release)
    kept = Kept(directory, kind)
    later = [
        each
        for each in kinds(directory)
        if Kept(directory, each).number() > kept.number()
    ]
    if kept.is_begun and later:
        raise RequestError(
            "another repair was made after this one: %s" % later[-1],
            where=directory,
            hint="modferry repair %s --undo --on BOX first" % later[-1],
            code="repair-order",
        )
    done = {"state": "none", "changed": []}  # type: dict[str, Any]
    # In a dry run the links are not there when the tree is looked at.
    links = []  # type: list[dict[str, str]]
    if dry_run and kind == "aliases":
        links = linkalias.restore_links("", True)["links"]

    def put_back():
        # type: () -> None
        if kept.is_begun:
            done["state"] = _put_back(kept, release, links, dry_run, done["changed"])

    try:
        changed = _unchange(kind, dry_run, put_back)
        if not dry_run:
            kept.forget()
    except EnvironmentError as error:
        raise file_error(error, directory)
    return {
        "kind": kind,
        "release": release,
        "directory": directory,
        "changed": changed + done["changed"],
        "indexes": done["state"],
        "dry_run": dry_run,
    }


def _check(kind):
    # type: (str) -> None
    if kind not in KINDS:
        raise RequestError("no repair is called %r: %s" % (kind, ", ".join(KINDS)))


def _reply(kind, right, broken, changed, left, proof, dry_run):
    # type: (str, soundness.Right, list[str], list[str], list[str], Any, bool) -> dict[str, Any]
    return {
        "kind": kind,
        "release": right.release,
        "directory": right.tree.directory,
        "broken": broken,
        "changed": changed,
        "left": left,
        "proof": proof,
        "dry_run": dry_run,
    }


def _notes(right, records):
    # type: (soundness.Right, list[str]) -> list[tuple[str, str]]
    directory = right.tree.directory
    numbers = [Kept(directory, each).number() for each in kinds(directory)]
    notes = [
        ("number", str(max(numbers + [0]) + 1)),
        ("stamp", treestamp.stamp_of(right.tree)),
    ]
    return notes + [("record", path) for path in records]


def _records(release):
    # type: (str) -> list[str]
    return [
        fingerprints.path_of("", release),
        factcache.path_of(directory_of(release)),
    ]


def _left_by_aliases(right):
    # type: (soundness.Right) -> list[str]
    # Aliases take links away.  Files that export the same symbol stay, and kmod 9 to 17
    # count them, too.
    files = [module for module in right.tree.modules if module.link_of is None]
    coming = foresight.outcome(files, foresight.KMOD, foresight.FINDS_AGAIN - 1)
    left = [path for path in right.lacking(coming.lines) if path in coming.lines]
    if left and len(files) == len(right.tree.modules):
        raise RequestError(
            "there is no link to replace: different files export what %s needs"
            % ", ".join(left[:3]),
            where=right.tree.directory,
            hint="modferry explain MODULE --on BOX names the files; remove the copy, or"
            " take: modferry repair divert --on BOX",
            code="copies",
        )
    return left


def _change(kind, release, directory, dry_run, context):
    # type: (str, str, str, bool, Any) -> list[str]
    if kind == "aliases":
        written = []  # type: list[str]

        def publish(links):
            # type: (list[str]) -> None
            written.extend(_write(release, directory, False, context, links))

        done = linkalias.alias_links("", release, None, dry_run, publish=publish)
        paths = [link["path"] for link in done["links"]]
        return paths + ([done["config"]] if paths else []) + written
    if kind == "divert":
        return diversion.divert(dry_run)
    return []


def _unchange(kind, dry_run, put_back):
    # type: (str, bool, Callable[[], None]) -> list[str]
    # put_back: of the indexes
    if kind == "aliases":
        done = linkalias.restore_links("", dry_run, publish=put_back)
        paths = [link["path"] for link in done["links"]]
        return paths + ([done["config"]] if paths else [])
    changed = diversion.restore(dry_run) if kind == "divert" else []
    put_back()
    return changed


def _write(release, directory, dry_run, context, without=()):
    # type: (str, str, bool, Any, Sequence[str]) -> list[str]
    done = indexes.write_indexes(
        release, dry_run=dry_run, context=context, without=without
    )
    return [directory + "/" + name for name in done["changed"]]


def _prove(kind, release, broken, left, context):
    # type: (str, str, list[str], list[str], Any) -> tuple[dict[str, Any], str]
    # What holds now, and what is still wrong, or "".
    now = soundness.Right(release, context)
    program = userland.program("modprobe")
    proof = {"modprobe": program, "asked": 0, "depmod": None}  # type: dict[str, Any]
    wrong = now.lacking_now()
    if wrong:
        return proof, "the new indexes lack something of %s" % ", ".join(wrong[:3])
    if program is not None:
        there = set([module.path for module in now.tree.modules])
        asked = [path for path in broken if path in there]
        wrong = now.refused_by_modprobe(program, asked)
        proof["asked"] = min(len(asked), soundness.MOST_ASKED)
        if wrong:
            return proof, "%s does not load all of %s" % (program, ", ".join(wrong[:3]))
    depmod = None
    if kind == "aliases":
        depmod = diversion.own_depmod()
    elif kind == "divert":
        depmod = userland.program("depmod")
    if depmod is not None:
        proof["depmod"] = depmod
        lines = soundness.lines_by(depmod, release)
        wrong = [path for path in now.lacking(lines) if path not in left]
        if lines is None or wrong:
            return proof, "%s would not give %s what it needs" % (
                depmod,
                ", ".join(wrong[:3]) or "any module",
            )
    return proof, ""


def _put_back(kept, release, links, dry_run, changed):
    # type: (Kept, str, list[dict[str, str]], bool, list[str]) -> str
    about = kept.about()
    tree = foresee.read_tree(release, "", None, 0, None)
    same = about.get("stamp") == [treestamp.stamp_of(tree, links)]
    if dry_run:
        return "restored" if same else "kept"
    if same:
        lock = indexstore.Lock(kept.directory)
        try:
            contents = kept.contents()
            found = indexstore.compare(kept.directory, contents)[0]
            changed.extend([kept.directory + "/" + name for name in found])
            if contents:
                indexstore.publish(kept.directory, contents)
            kept.put_back(_NAMES)
        finally:
            lock.release()
    for path in _records(release):
        durable.remove_leftovers(path)
        if path not in about.get("record", []):
            if os.path.exists(raw(path)):
                os.unlink(raw(path))
            durable.remove_if_empty(os.path.dirname(path))
    return "restored" if same else "kept"
