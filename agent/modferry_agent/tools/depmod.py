"""depmod: kmod's command line before `jobs.indexes`."""

import errno
import gc
import os
import sys

from modferry_agent import __version__
from modferry_agent.compat import binary_stream, raw
from modferry_agent.core import depfiles, depgraph, names, strictness, symbolcheck
from modferry_agent.core.symbols import SymbolTable
from modferry_agent.errors import AgentError, FormatError
from modferry_agent.jobs import disputes, indexes, remembering
from modferry_agent.jobs.tree import Made, directory_of
from modferry_agent.system import decompress, factcache, indexstore, moduletree
from modferry_agent.tools import depmodline, depmodwords, options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Sequence  # noqa: F401  # novermin
    from modferry_agent.jobs.tree import Tree  # noqa: F401


def main(argv):
    # type: (Sequence[str]) -> int
    """Run the command; return its exit status.

    argv: the name as which it was called, options, operands; native text
    """
    program = argv[0] if argv else "depmod"
    name = program[program.rfind("/") + 1 :]

    def tell(level, text):
        # type: (str, str) -> None
        _to_stderr("%s: %s: %s\n" % (name, level, text))

    try:
        settings = depmodline.Settings(argv[1:], tell)
        if "help" in settings.flags:
            _to_stdout(raw(depmodline.help_text(name)))
            return 0
        if "version" in settings.flags:
            _to_stdout(raw(_version(settings.kmod)))
            return 0
        if "explain" in settings.flags:
            return _explain(settings)
        return _run(settings, tell)
    except options.OptionError as problem:
        _to_stderr("%s: %s\n" % (program, problem))
    except depmodline.FatalError as error:
        tell(error.level, str(error))
    except AgentError as error:
        _tell_error(error, tell)
    return 1


def _run(settings, tell):
    # type: (depmodline.Settings, Any) -> int
    directory = directory_of(settings.release, settings.basedir, settings.moduledir)
    if "quick" in settings.flags:
        if settings.dry_run or _is_up_to_date(directory, tell):
            return 0
    # Nothing here is cyclic, and the process ends when it is done.
    gc.disable()
    table = SymbolTable(settings.prefix)
    if settings.flags & set(("symvers", "filesyms")):
        from modferry_agent.tools import depmodkernel

        depmodkernel.add_symbols(table, settings, tell)
    if settings.flags & _SYMBOLS == set(("errsyms",)):
        tell("WARNING", "-e needs -E or -F")
    _look(settings, directory, tell)
    output = directory
    lock = None
    if not settings.dry_run:
        output = directory_of(settings.release, settings.outdir, settings.moduledir)
        _make_directory(output)
        lock = indexstore.Lock(output)
    try:
        # The record is for what this box loads, not for the image of another.
        records = not (settings.dry_run or settings.basedir or settings.outdir)
        cache = _cache_of(settings, directory)
        tree = _read_tree(settings, cache, fingerprints=records)
        depmodwords.tell_warnings(tree, tree.warnings, tell)
        made = tree.remembered or _made(settings, tree, table, tell)
        depmodwords.tell_conflicts(made.conflicts, tell)
        depmodwords.tell_warnings(tree, made.warnings, tell)
        if "strict" in settings.flags:
            warnings = tree.warnings + list(made.warnings)
            strictness.refuse_warnings(directory, warnings, made.conflicts)
        if settings.dry_run:
            for file_name, content in made.files:
                if not file_name.endswith(".bin"):
                    _to_stdout(content)
        else:
            indexstore.publish(
                output, made.files, lambda: remembering.prepare(tree, made)
            )
            if records:
                indexes.record_fingerprints(settings.basedir, tree)
            remembering.remember(tree, made)
    finally:
        if lock is not None:
            lock.release()
    return 0


_SYMBOLS = set(("errsyms", "symvers", "filesyms"))
# Options with which more than the facts matters, or other indexes come out.
_UNCACHED = set(("errsyms", "filesyms", "outdir", "symbol-prefix"))
_UNCACHED.update(("symvers", "verbose", "warn"))


def _cache_of(settings, directory):
    # type: (depmodline.Settings, str) -> factcache.Cache | None
    if settings.dry_run or settings.files or settings.flags & _UNCACHED:
        return None
    return factcache.Cache(factcache.path_of(directory))


def _read_tree(settings, cache=None, fingerprints=False):
    # type: (depmodline.Settings, factcache.Cache | None, bool) -> Tree
    return indexes.read_tree(
        settings.release,
        settings.basedir,
        settings.kmod,
        settings.given.get("links", "file"),
        settings.moduledir,
        settings.configs,
        settings.files or None,
        fingerprints=fingerprints,
        details=bool(settings.flags & set(("errsyms", "explain"))),
        cache=cache,
    )


def _look(settings, directory, tell):
    # type: (depmodline.Settings, str, Any) -> None
    # Raise FatalError if there is nothing to begin with.
    if settings.files:
        for level, text in settings.check_files():
            if level == "FATAL":
                raise depmodline.FatalError(text)
            tell(level, text)
        return
    try:
        os.listdir(raw(directory))
    except EnvironmentError as error:
        why = "could not open directory %s: %s" % (directory, error.strerror)
        tell("ERROR", why)
        raise depmodline.FatalError("could not search modules: %s" % error.strerror)


def _make_directory(path):
    # type: (str) -> None
    try:
        os.makedirs(raw(path), 493)  # rwxr-xr-x
    except EnvironmentError as error:
        if error.errno != errno.EEXIST:
            raise depmodline.FatalError(
                "could not create directory %s: %s" % (path, error.strerror)
            )


def _made(settings, tree, table, tell):
    # type: (depmodline.Settings, Tree, SymbolTable, Any) -> Made
    cycle = None
    try:
        contents = indexes.make_contents(tree, table)
    except FormatError as error:
        # As kmod, which looks for cycles after it has told of the symbols.
        cycle = error
    if "verbose" in settings.flags:
        _tell_needs(tree, table)
    if "errsyms" in settings.flags:
        with_crcs = "symvers" in settings.flags
        if with_crcs or "filesyms" in settings.flags:
            _tell_unknown(tree, table, with_crcs, tell)
    if cycle is not None:
        raise cycle
    contents.with_duplicates = "warn" in settings.flags
    if settings.dry_run and "strict" not in settings.flags:
        files = depfiles.text_files(contents)
        disputed = disputes.conflicts(tree, table)
        return Made(files, contents.warnings, disputed, len(tree.modules))
    return indexes.made_of(tree, table, contents)


def _explain(settings):
    # type: (depmodline.Settings) -> int
    from modferry_agent.core import explaintext
    from modferry_agent.jobs import explain

    tree = _read_tree(settings)
    answer = explain.explanation(tree, settings.given["explain"])
    _to_stdout(raw("\n".join(explaintext.lines(answer)) + "\n"))
    return 0


def _tell_needs(tree, table):
    # type: (Tree, SymbolTable) -> None
    lines = []

    def needs(index, symbol, owner):
        # type: (int, str, int) -> None
        paths = [tree.path_of(tree.modules[one]) for one in (index, owner)]
        lines.append('%s needs "%s": %s\n' % (paths[0], symbol, paths[1]))

    depgraph.edges_of(tree.modules, table, needs)
    _to_stdout(raw("".join(lines)))


def _tell_unknown(tree, table, with_crcs, tell):
    # type: (Tree, SymbolTable, bool, Any) -> None
    texts = {
        "unknown": "%s needs unknown symbol %s",
        "disagrees": "%s disagrees about version of symbol %s",
    }
    for module, symbol, what in symbolcheck.complaints(tree.modules, table, with_crcs):
        tell("WARNING", texts[what] % (tree.path_of(module), symbol))


def _is_up_to_date(directory, tell):
    # type: (str, Any) -> bool
    try:
        os.listdir(raw(directory))
    except EnvironmentError as error:
        why = "could not open directory %s: %s" % (directory, error.strerror)
        tell("ERROR", why)
        return False
    try:
        os.stat(raw(directory + "/modules.dep"))
    except EnvironmentError as error:
        text = "could not fstatat(%s, modules.dep): %s"
        tell("ERROR", text % (directory, error.strerror))
        return False
    return indexstore.is_newer(directory, moduletree.walk(directory)) is False


def _tell_error(error, tell):
    # type: (AgentError, Any) -> None
    if error.code == "dependency-cycle":
        for chain in error.details["chains"]:
            chained = [names.module_name(path) for path in chain]
            tell("ERROR", "Cycle detected: " + " -> ".join(chained))
        count = error.details["modules"]
        tell("ERROR", "Found %d modules in dependency cycles!" % count)
        return
    text = error.message
    if error.where:
        text = "%s: %s" % (error.where, text)
    tell("FATAL", text + ("; " + error.hint if error.hint else ""))


def _version(kmod):
    # type: (int) -> str
    features = []
    for kind, name in (("zst", "ZSTD"), ("xz", "XZ"), ("gz", "ZLIB")):
        features.append(("+" if decompress.available(kind) else "-") + name)
    lines = "kmod version %d\n%s\nmodferry %s\n"
    return lines % (kmod, " ".join(features), __version__)


def _to_stdout(octets):
    # type: (bytes) -> None
    sys.stdout.flush()
    stream = binary_stream(sys.stdout)  # type: Any
    stream.write(octets)
    stream.flush()


def _to_stderr(text):
    # type: (str) -> None
    sys.stderr.flush()
    stream = binary_stream(sys.stderr)  # type: Any
    stream.write(raw(text))
    stream.flush()
