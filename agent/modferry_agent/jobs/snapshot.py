"""What loads on the box today: the graph, what is loaded, and what names lead to."""

import os

from modferry_agent.compat import TYPE_CHECKING, native, raw
from modferry_agent.core.names import module_name
from modferry_agent.errors import AgentError
from modferry_agent.jobs import facts, foresee, probing, userland
from modferry_agent.jobs.tree import directory_of
from modferry_agent.system import moduletree
from modferry_agent.system.kernel import Kernel

if TYPE_CHECKING:
    from typing import Any  # noqa: F401  # novermin

    from modferry_agent.core.modprobeconfig import Config  # noqa: F401
    from modferry_agent.core.probeplan import Sources  # noqa: F401

# Longer values are tables of a driver's, no parameter that anybody sets.
_MOST_VALUE_BYTES = 256


def read_snapshot(release=None, basedir="", kernel=None, context=None):
    # type: (str | None, str, Kernel | None, Any) -> dict[str, Any]
    """Return what modprobe would do on the box now, and what was done.

    Keys: release, machine, hostname, distribution, tool, directory, index; lines (path
    of a module -> paths of its line), as modules.dep has them, one text, by `packed`;
    links (path -> path of the file that it is another name of); config (lines as those
    of modprobe -c, without the indexes'); options (module -> text); resolves (alias or
    name -> modules): of each device, each alias of modprobe.d and each loaded module;
    loaded: a list, oldest first, of {name, path, needs, parameters}.

    LoadError: there is no index, or a damaged one.
    """
    kernel = kernel or Kernel()
    release = release or kernel.release
    basedir = basedir.rstrip("/")
    directory = directory_of(release, basedir)
    sources = probing.read_sources(kernel, directory)
    lines = foresee.lines_now(directory) or {}
    loaded = []
    if release == kernel.release:
        for entry in reversed(kernel.modules()):
            loaded.append(_loaded(entry["name"], sources, kernel))
    config = sources.config
    names = set([entry["name"] for entry in loaded])
    options = {}
    for name in names.union([name for name, _text in config.options]):
        if config.options_of(name):
            options[name] = config.options_of(name)
    links = links_of(directory)
    return {
        "release": release,
        "machine": native(raw(os.uname()[4])),
        "hostname": native(raw(os.uname()[1])),
        "distribution": facts.distribution(kernel),
        "tool": userland.module_tool()["text"],
        "directory": directory,
        "index": facts.index_state(directory),
        "lines": packed(_text_of(lines)),
        "links": links,
        "config": config_lines(config),
        "options": options,
        "resolves": _resolved(sources, names, links),
        "loaded": loaded,
    }


def packed(text):
    # type: (str) -> dict[str, Any]
    """Return {encoding, octets}: a text as it goes over the line; a tenth with zlib."""
    try:
        import zlib
    except ImportError:
        return {"encoding": "stored", "octets": raw(text)}
    return {"encoding": "deflate", "octets": zlib.compress(raw(text), 9)}


def _text_of(lines):
    # type: (dict[str, list[str]]) -> str
    return "".join(
        [" ".join([path + ":"] + lines[path]) + "\n" for path in sorted(lines)]
    )


def links_of(directory):
    # type: (str) -> dict[str, str]
    """Return the links of a tree to files that are in it under a name of their own."""
    entries = moduletree.walk(directory)
    own = {}  # type: dict[tuple[int, int], str]
    for entry in entries:
        if entry.target is None:
            own.setdefault(entry.identity, entry.path)
    return dict(
        [
            (entry.path, own[entry.identity])
            for entry in entries
            if own.get(entry.identity, entry.path) != entry.path
        ]
    )


def config_lines(config):
    # type: (Config) -> list[str]
    """Return the rules of modprobe.d as lines, as ``modprobe -c`` prints them."""
    lines = ["blacklist %s" % name for name in config.blacklist]
    for kind in ("install", "remove"):
        for name, command in getattr(config, kind):
            lines.append("%s %s %s" % (kind, name, command))
    for kind, rules in (("alias", config.aliases), ("options", config.options)):
        lines.extend(["%s %s %s" % (kind, name, text) for name, text in rules])
    for name, before, after in config.softdeps:
        words = ["softdep", name]
        for word, others in (("pre:", before), ("post:", after)):
            if others:
                words.append(word)
                words.extend(others)
        lines.append(" ".join(words))
    for name, others in config.weakdeps:
        lines.append(" ".join(["weakdep", name] + others))
    return lines


def _loaded(name, sources, kernel):
    # type: (str, Sources, Kernel) -> dict[str, Any]
    path, needs = sources.line_of(name)
    return {
        "name": name,
        "path": path,
        "needs": needs,
        "parameters": _parameters(name, kernel),
    }


def _parameters(name, kernel):
    # type: (str, Kernel) -> dict[str, str]
    folder = "/sys/module/%s/parameters" % name
    found = {}  # type: dict[str, str]
    try:
        listed = sorted(os.listdir(raw(kernel.path(folder))))
    except EnvironmentError:
        return found
    for octets in listed:
        # Some can only be written to.
        value = kernel.read(folder + "/" + native(octets))
        if value is not None and len(value) <= _MOST_VALUE_BYTES:
            found[native(octets)] = value.rstrip("\n")
    return found


def _resolved(sources, names, links):
    # type: (Sources, set[str], dict[str, str]) -> dict[str, list[str]]
    wanted = set(names)
    wanted.update(device_aliases())
    wanted.update([module_name(path) for path in links])
    for pattern, _target in sources.config.aliases:
        if not [letter for letter in "*?[" if letter in pattern]:
            wanted.add(pattern)
    found = {}
    for text in wanted:
        try:
            targets = sources.resolve(text)
        except AgentError:
            continue
        if targets:
            found[text] = targets
    return found


def device_aliases(top="/sys/devices"):
    # type: (str) -> list[str]
    """Return the alias by which each device of the box asks for its module."""
    found = set()  # type: set[str]
    for folder, _folders, files in os.walk(raw(top)):
        if b"modalias" in files:
            try:
                stream = open(os.path.join(folder, b"modalias"), "rb")
                try:
                    found.add(native(stream.read(4096)).strip())
                finally:
                    stream.close()
            except EnvironmentError:
                continue
    found.discard("")
    return sorted(found)
