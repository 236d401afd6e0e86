"""depmod: kmod's command line before `jobs.indexes`."""

import os
import sys

from modferry_agent import __version__
from modferry_agent.compat import binary_stream, native, raw
from modferry_agent.core import depfiles, depgraph, symbolcheck, symbols
from modferry_agent.core.symbols import SymbolTable
from modferry_agent.errors import AgentError
from modferry_agent.jobs import indexes
from modferry_agent.system import decompress, indexstore, moduletree
from modferry_agent.tools import depmodline, options

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Sequence  # noqa: F401  # novermin

_DUPLICATES = (
    ("alias", depfiles.alias_pairs),
    ("syms", depfiles.symbol_pairs),
    ("deps", depfiles.dep_pairs),
)


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
        settings = depmodline.Settings(argv[1:])
        if "help" in settings.flags:
            _to_stdout(raw(depmodline.help_text(name)))
            return 0
        if "version" in settings.flags:
            _to_stdout(raw(_version()))
            return 0
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
    directory = indexes.directory_of(
        settings.release, settings.basedir, settings.moduledir
    )
    if "quick" in settings.flags:
        if settings.dry_run or _is_up_to_date(directory):
            return 0
    output = indexes.directory_of(settings.release, settings.outdir, settings.moduledir)
    if not settings.files:
        try:
            os.listdir(raw(directory))
        except EnvironmentError as error:
            why = "could not open directory %s: %s" % (directory, error.strerror)
            tell("ERROR", why)
            raise depmodline.FatalError("could not search modules: %s" % error.strerror)
    lock = None if settings.dry_run else indexstore.Lock(output)
    try:
        # The record is for what this box loads, not for the image of another.
        records = not (settings.dry_run or settings.basedir or settings.outdir)
        tree = indexes.read_tree(
            settings.release,
            settings.basedir,
            settings.given.get("like"),
            settings.given.get("links", "file"),
            settings.moduledir,
            settings.configs,
            settings.files or None,
            fingerprints=records,
        )
        for path, reason in tree.warnings:
            tell("WARNING", "%s: %s" % (path, reason))
        contents = _contents(settings, tree, tell)
        if settings.dry_run:
            for _name, text in depfiles.text_files(contents):
                _to_stdout(text)
        else:
            indexstore.publish(output, depfiles.encode_files(contents))
            if records:
                indexes.record_fingerprints(settings.basedir, tree)
        for path, reason in contents.warnings:
            tell("WARNING", "%s: %s" % (path, reason))
        if "warn" in settings.flags and not settings.dry_run:
            _tell_duplicates(contents, tell)
    finally:
        if lock is not None:
            lock.release()
    return 0


def _contents(settings, tree, tell):
    # type: (depmodline.Settings, indexes.Tree, Any) -> depfiles.Contents
    table = SymbolTable(settings.prefix)
    symvers = settings.given.get("symvers")
    system_map = settings.given.get("filesyms")
    if symvers is not None:
        table.add_kernel(symbols.parse_symvers(_text_of(symvers)))
    elif system_map is not None:
        table.add_kernel(symbols.parse_system_map(_text_of(system_map)))
    contents = indexes.make_contents(tree, table)
    for conflict in indexes.conflicts(tree, table):
        text = "%s is exported by %s, and by %s, which takes it"
        others = ", ".join(conflict["others"])
        tell("WARNING", text % (conflict["symbol"], others, conflict["owner"]))
    if "verbose" in settings.flags:
        _tell_needs(tree, table)
    if "errsyms" in settings.flags:
        if symvers is None and system_map is None:
            tell("WARNING", "-e needs -E or -F")
        else:
            _tell_unknown(tree, table, symvers is not None, tell)
    return contents


def _tell_needs(tree, table):
    # type: (indexes.Tree, SymbolTable) -> None
    lines = []

    def needs(index, symbol, owner):
        # type: (int, str, int) -> None
        paths = [tree.path_of(tree.modules[one]) for one in (index, owner)]
        lines.append('%s needs "%s": %s\n' % (paths[0], symbol, paths[1]))

    depgraph.edges_of(tree.modules, table, needs)
    _to_stdout(raw("".join(lines)))


def _tell_unknown(tree, table, with_crcs, tell):
    # type: (indexes.Tree, SymbolTable, bool, Any) -> None
    texts = {
        "unknown": "%s needs unknown symbol %s",
        "disagrees": "%s disagrees about version of symbol %s",
    }
    for module, symbol, what in symbolcheck.complaints(tree.modules, table, with_crcs):
        tell("WARNING", texts[what] % (tree.path_of(module), symbol))


def _tell_duplicates(contents, tell):
    # type: (depfiles.Contents, Any) -> None
    for kind, pairs_of in _DUPLICATES:
        seen = set()
        for key, value, _priority in pairs_of(contents):
            if (key, value) in seen:
                tell("WARNING", "duplicate module %s:\n%s %s" % (kind, key, value))
            seen.add((key, value))


def _is_up_to_date(directory):
    # type: (str) -> bool
    entries = moduletree.walk(directory)
    return indexstore.is_newer(directory, entries) is False


def _tell_error(error, tell):
    # type: (AgentError, Any) -> None
    if error.code == "dependency-cycle":
        for chain in error.details["chains"]:
            names = [path[path.rfind("/") + 1 :].split(".")[0] for path in chain]
            tell("ERROR", "Cycle detected: " + " -> ".join(names))
        count = error.details["modules"]
        tell("ERROR", "Found %d modules in dependency cycles!" % count)
        return
    text = error.message
    if error.where:
        text = "%s: %s" % (error.where, text)
    tell("FATAL", text + ("; " + error.hint if error.hint else ""))


def _text_of(path):
    # type: (str) -> str
    return native(moduletree.read_stored(path))


def _version():
    # type: () -> str
    features = []
    for kind, name in (("zst", "ZSTD"), ("xz", "XZ"), ("gz", "ZLIB")):
        features.append(("+" if decompress.available(kind) else "-") + name)
    return "kmod version %d\n%s\nmodferry %s\n" % (
        depfiles.NEWEST_KMOD,
        " ".join(features),
        __version__,
    )


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
