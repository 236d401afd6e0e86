"""Reading the modules of a tree: from the cache, or from the files by two processes."""

from modferry_agent.core import linkgroups, modulefacts
from modferry_agent.core.module import Module, parse_module
from modferry_agent.errors import FileError, FormatError
from modferry_agent.jobs import encoding
from modferry_agent.system import decompress, factcache, forked, treefiles
from modferry_agent.system.modulefile import ModuleFile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Sequence  # noqa: F401  # novermin
    from modferry_agent.core.modulefacts import Facts  # noqa: F401
    from modferry_agent.errors import AgentError  # noqa: F401
    from modferry_agent.jobs.tree import Tree  # noqa: F401
    from modferry_agent.system import moduletree  # noqa: F401

    # What the file said, or why it could not be read; its fingerprint, if wanted; its
    # stamp, if the same file would say the same again.
    Answer = tuple[Facts | None, str, tuple[str, int] | None, factcache.Stamp | None]


def read_modules(tree, entries, links, fingerprints, details, context):
    # type: (Tree, Sequence[moduletree.Entry], str, bool, bool, Any) -> None
    """Read the modules of the entries into the tree.

    links, fingerprints, details, context: see `indexes.read_tree`
    """
    places = {}  # type: dict[tuple[int, int], int]
    firsts = []  # type: list[moduletree.Entry]
    for entry in entries:
        if entry.identity not in places:
            places[entry.identity] = len(firsts)
            firsts.append(entry)
    if details:
        read = _read_whole(tree, firsts, fingerprints, context)
    else:
        read = _read_facts(tree, firsts, fingerprints, context)
    for entry in entries:
        place = places[entry.identity]
        module, fingerprint = read[place]
        if firsts[place] is not entry:
            module = module.renamed(entry.path)
        if fingerprint is not None:
            tree.fingerprints[entry.path] = fingerprint
        tree.modules.append(module)
        tree.identities.append(entry.identity)
    if context is not None:
        context.progress(len(entries), len(entries), "")
    if links == "file" and len(firsts) < len(entries):
        linkgroups.tie_links(
            [
                (module, entry.identity, entry.target is not None, _base_of(entry))
                for module, entry in zip(tree.modules, entries)
            ]
        )


def _base_of(entry):
    # type: (moduletree.Entry) -> str
    target = entry.target or entry.path
    return target[target.rfind("/") + 1 :]


def _read_whole(tree, entries, fingerprints, context):
    # type: (Tree, Sequence[moduletree.Entry], bool, Any) -> list[tuple[Module, tuple[str, int] | None]]
    read = []
    for done, entry in enumerate(entries):
        if context is not None and done % 16 == 0:
            context.progress(done, len(entries), entry.path)
        fingerprint = None
        try:
            stored = treefiles.read_stored(entry.location)
            if fingerprints:
                fingerprint = _fingerprint(stored)
            content = decompress.decompressed(stored, entry.location)
            module = parse_module(entry.path, content)
        except (FileError, FormatError) as error:
            module = Module(entry.path)
            tree.warnings.append((entry.path, _why(error)))
        for problem in module.problems:
            tree.warnings.append((entry.path, problem))
        read.append((module, fingerprint))
    return read


def _read_facts(tree, entries, fingerprints, context):
    # type: (Tree, Sequence[moduletree.Entry], bool, Any) -> list[tuple[Module, tuple[str, int] | None]]
    known = {} if tree.cache is None else tree.cache.facts()
    answers = []  # type: list[Answer | None]
    unknown = []
    for entry in entries:
        answer = known.get(entry.path)
        if (
            answer is None
            or answer[3] != factcache.stamp_of(entry.status)
            or (fingerprints and answer[2] is None)
        ):
            unknown.append(len(answers))
            answer = None
        answers.append(answer)

    def work(index):
        # type: (int) -> Answer
        return _facts_of(entries[unknown[index]].location, fingerprints)

    def report(done):
        # type: (int) -> None
        place = unknown[min(done, len(unknown) - 1)]
        context.progress(done, len(unknown), entries[place].path)

    def work_off(_order):
        # type: (Any) -> dict[int, Answer]
        return shares.work_off()

    shares = forked.Shares(len(unknown), work)
    if len(entries) >= _MANY:
        tree.helper = forked.Helper((work_off, encoding.encode_theirs))
    found = shares.all(tree.helper, 0, None if context is None else report)
    for place, answer in zip(unknown, found):
        answers[place] = answer
    read = []
    for entry, given in zip(entries, answers):
        if given is None:
            raise AssertionError("no answer for " + entry.path)
        module, fingerprint = _taken(tree, entry, given)
        read.append((module, fingerprint))
    return read


# With fewer modules a second process takes longer than it saves.
_MANY = 400


def _taken(tree, entry, answer):
    # type: (Tree, moduletree.Entry, Answer) -> tuple[Module, tuple[str, int] | None]
    facts, why, fingerprint, stamp = answer
    if facts is None:
        module = Module(entry.path)
        module.problems = [why]
    else:
        module = modulefacts.module_of(entry.path, facts)
    for problem in module.problems:
        tree.warnings.append((entry.path, problem))
        tree.is_steady = False
    if tree.cache is not None and stamp is not None and tree.cache.keeps(stamp):
        tree.facts[entry.path] = answer
    else:
        tree.is_steady = False
    return module, fingerprint


def _facts_of(location, fingerprints):
    # type: (str, bool) -> Answer
    fingerprint = None
    try:
        file = ModuleFile(location)
        try:
            if fingerprints:
                fingerprint = _fingerprint(file[:])
            facts = modulefacts.facts_of(file.content())
            return facts, "", fingerprint, factcache.stamp_of(file.status)
        finally:
            file.close()
    except (FileError, FormatError) as error:
        # It may be read the next time, with a decompressor or other rights.
        return None, _why(error), fingerprint, None


def _why(error):
    # type: (AgentError) -> str
    if treefiles.is_fault(error):
        raise error
    return error.message + ("; " + error.hint if error.hint else "")


def _fingerprint(stored):
    # type: (bytes) -> tuple[str, int]
    from modferry_agent.system import fingerprints

    return fingerprints.fingerprint(stored)
