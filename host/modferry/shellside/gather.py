"""The files of a box that a piece of work looks at: found, summed, fetched if new."""

from __future__ import annotations

import gzip
import hashlib
import stat
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from modferry.core import events
from modferry.errors import ReplyError, TransportError
from modferry.shellside import scripts
from modferry.shellside.contents import Contents, Underway
from modferry.shellside.look import LIMIT_S, Looker
from modferry.shellside.picture import Node
from modferry.shellside.talk import Shell
from modferry_agent.core.names import is_module_file, module_name
from modferry_agent.system import decompress

UNDERWAY = Underway()

SKIPPED = ("build", "source")
"""Names in a module tree that lead to a kernel's sources, and are never looked at."""


@dataclass(slots=True)
class Gathered:
    """What was gathered.

    nodes: path without links -> node, of directories and files.
    links: path of a link -> where it leads, "" if in a circle, None if nowhere.
    sums: path of a file -> sha256 of its content, which is kept on this machine.
    order: path -> its place among those that the box listed.
    """

    nodes: dict[str, Node] = field(default_factory=dict)
    links: dict[str, str | None] = field(default_factory=dict)
    sums: dict[str, str] = field(default_factory=dict)
    order: dict[str, int] = field(default_factory=dict)

    def key(self) -> str:
        """Return the digest of all that the agent's code can see of them."""
        identities: dict[tuple[int, int], int] = {}
        seen: list[object] = [sorted(self.links.items(), key=lambda each: each[0])]
        for path, node in sorted(self.nodes.items()):
            number = identities.setdefault(node.identity, len(identities))
            seen.append((path, node.kind, number, self.sums.get(path)))
        if self._has_namesakes():
            # Which of them counts may depend on which the box lists first.
            seen.append(sorted(self.order, key=self.order.__getitem__))
        return hashlib.sha256(repr(seen).encode()).hexdigest()

    def _has_namesakes(self) -> bool:
        # What a link from the tree leads to bears its name, but was not listed itself.
        names = [path.rpartition("/")[2] for path in self.order]
        modules = [module_name(name) for name in names if is_module_file(name)]
        return len(set(modules)) < len(modules)


class Gatherer:
    """Gathers files of one box, each content once."""

    def __init__(
        self, shell: Shell, contents: Contents, sink: events.EventSink
    ) -> None:
        """Begin with nothing known of the box."""
        self._looker = Looker(shell)
        self._shell = shell
        self._contents = contents
        self._sink = sink

    def gather(
        self,
        tops: Iterable[str],
        files: Iterable[str] = (),
        wanted: Callable[[str], bool] = lambda _: True,
        found: Gathered | None = None,
    ) -> Gathered:
        """Return what is in the directories, and the single files, with their links.

        wanted: of which files the content is needed, by their paths.
        found: what was gathered before, to which this is added.
        """
        looker = self._looker
        found = Gathered() if found is None else found
        tops, files = list(tops), list(files)
        looker.learn(dict.fromkeys(_prefixes((*tops, *files))))
        for path in (*tops, *files):
            self._way(looker, path, found)
        for path in (*tops, *files):
            place = looker.resolve(path)
            if place:
                found.nodes[place] = looker.picture.nodes[place]
        waiting = [looker.learn_tree(top) for top in tops]
        while waiting:
            top = waiting.pop()
            if top is not None:
                waiting += self._tree(looker, top, found)
        self.complete(found, filter(wanted, list(found.nodes)))
        found.order.update(looker.picture.order)
        return found

    def resolve(self, path: str) -> str | None:
        """Return a path of the box without links; None or "": it leads nowhere."""
        return self._looker.resolve(path)

    def complete(self, found: Gathered, paths: Iterable[str]) -> list[str]:
        """Get the contents of files whose names are gathered; return their paths.

        A path may lead through links; one that leads to no file is passed over.
        """
        places = [self._looker.resolve(path) for path in paths]
        files = [
            place
            for place in dict.fromkeys(places)
            if place
            and place not in found.sums
            and place in found.nodes
            and found.nodes[place].kind == stat.S_IFREG
        ]
        self._sum(files, found)
        return files

    # The directories and links on the way to a path.
    def _way(self, looker: Looker, path: str, found: Gathered) -> None:
        for place in _prefixes([path]):
            above, _, last = place.rpartition("/")
            parent = looker.resolve(above or "/")
            if not parent:
                return
            name = parent.rstrip("/") + "/" + last
            looker.learn([name])
            node = looker.picture.nodes[name]
            if node.kind == stat.S_IFLNK:
                found.links[name] = looker.resolve(name)
                self._parents(looker, found.links[name], found)
            elif node.kind == stat.S_IFDIR:
                found.nodes[name] = node

    def _parents(self, looker: Looker, path: str | None, found: Gathered) -> None:
        while path and path != "/":
            node = looker.picture.nodes[path]
            if node.kind == stat.S_IFDIR:
                found.nodes.setdefault(path, node)
            path = path.rpartition("/")[0]

    # One tree; returns the directories that links in it lead to.
    def _tree(self, looker: Looker, top: str, found: Gathered) -> list[str]:
        further = []
        self._parents(looker, top, found)
        found.nodes[top] = looker.picture.nodes[top]
        links = []
        for path, node in list(looker.picture.below(top)):
            parts = path[len(top) :].split("/")
            if not node.kind or any(part in SKIPPED for part in parts):
                continue
            if node.kind == stat.S_IFLNK:
                links.append(path)
            else:
                found.nodes[path] = node
        for path in links:
            if path in found.links:
                continue
            place = found.links[path] = looker.resolve(path)
            if not place:
                continue
            self._parents(looker, place, found)
            node = looker.picture.nodes[place]
            if node.kind != stat.S_IFDIR:
                found.nodes[place] = node
            elif not _is_below(place, looker.picture.listed):
                looker.learn_tree(place)
                further.append(place)
        return further

    def _sum(self, paths: list[str], found: Gathered) -> None:
        # Neither of the others gets into an index.
        small = [
            path
            for path in paths
            if found.nodes[path].size <= decompress.MOST_BYTES and "\n" not in path
        ]
        kind = self._shell.sum_name
        sums: dict[str, str] = {}
        for done, some in enumerate(scripts.portions(small)):
            self._sink(events.Progress(done * len(some), len(small), "sums of files"))
            sums |= self._shell.sums(some, limit_s=LIMIT_S)
        places: dict[str, str] = {}
        for path in small:
            if path not in sums:
                raise unreadable(path)
            places.setdefault(sums[path], path)
        known = self._known(kind, places)
        while missing := [digest for digest in places if digest not in known]:
            ours, theirs = UNDERWAY.claim(missing)
            try:
                self._fetch({places[digest]: digest for digest in ours}, kind, found)
            finally:
                UNDERWAY.release(ours)
            for event in theirs:
                event.wait()
            known |= self._known(kind, missing)
        for path in small:
            found.sums[path] = known[sums[path]]

    def _known(self, kind: str, digests: Iterable[str]) -> dict[str, str]:
        found = {digest: self._contents.known(kind, digest) for digest in digests}
        return {digest: sha256 for digest, sha256 in found.items() if sha256}

    def _fetch(self, sums: dict[str, str], kind: str, found: Gathered) -> None:
        total = sum(found.nodes[path].size for path in sums)
        done = 0
        for some in _by_size(sums, found, self._shell.portion_bytes):
            for path, content in self._contents_of(some):
                if self._shell.sum_of(content) != sums[path]:
                    raise ReplyError(
                        "the file changed while it was read",
                        code="file-changed",
                        where=path,
                        next_step="try again when nothing writes to it any more",
                    )
                self._contents.keep(content, kind, sums[path])
                done += len(content)
                self._sink(events.Progress(done, total, path))
        if done:
            self._contents.trim()

    def _contents_of(self, paths: list[str]) -> Iterator[tuple[str, bytes]]:
        packed = "gzip" in self._shell.tools
        script = (
            f"for f in {scripts.words_of(paths)}; do\n"
            'wc -c <"$f"&&cat "$f"||exit 1; done' + ("|gzip -1c" if packed else "")
        )
        _, octets = self._shell.run(script, limit_s=LIMIT_S)
        if packed:
            octets = gzip.decompress(octets)
        at = 0
        for path in paths:
            end = octets.find(b"\n", at)
            size = octets[at:end].strip() if end >= 0 else b""
            if not size.isdigit():
                raise unreadable(path)
            at = end + 1 + int(size)
            if at > len(octets):
                raise TransportError("a file came cut", where=path)
            yield path, octets[end + 1 : at]


def unreadable(path: str) -> ReplyError:
    """Return the error for a file that the box cannot read."""
    return ReplyError(
        "could not be read",
        code="file-error",
        where=path,
        next_step="see what the kernel logs of its disk; or move the file away",
    )


def _prefixes(paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        parts = [part for part in path.split("/") if part]
        for count in range(1, len(parts) + 1):
            yield "/" + "/".join(parts[:count])


def _is_below(path: str, tops: Iterable[str]) -> bool:
    return any(path == top or path.startswith(top + "/") for top in tops)


def _by_size(
    paths: Iterable[str], found: Gathered, most_bytes: int
) -> Iterator[list[str]]:
    some: list[str] = []
    size = 0
    for path in paths:
        if some and (size > most_bytes or len(some) == scripts.PORTION_PATHS):
            yield some
            some, size = [], 0
        some.append(path)
        size += found.nodes[path].size
    if some:
        yield some
