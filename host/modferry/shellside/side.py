"""The shell's side of a session: the same requests, answered by this host."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO

from modferry import resources
from modferry.core import events
from modferry.core.messages import LOADING, plain_of
from modferry.errors import LoadError, ReplyError
from modferry.pulling import Arriving, Pulled
from modferry.shellside import answers, indexing, loading
from modferry.shellside.contents import Contents
from modferry.shellside.mirror import roots
from modferry.shellside.sending import LIMIT_S, hash_file, send_file
from modferry.shellside.talk import Shell
from modferry.shellside.work import Work
from modferry_agent import PROTOCOL
from modferry_agent.compat import native
from modferry_agent.core.names import is_module_file
from modferry_agent.errors import AgentError
from modferry_agent.requests import TABLE

ANSWERS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "facts": answers.facts,
        "find": answers.find,
        "hash": answers.hashed,
        "modules": answers.modules,
        "klog": answers.log,
        "depmod": indexing.write_indexes,
        "explain": indexing.explain,
        "load": loading.load,
        "unload": loading.unload,
        "diagnose": loading.diagnose,
    }
)
"""Request -> what answers it; takes the work and the request's arguments."""

COMMANDS = sorted({"push", "pull", *ANSWERS} - {"find", "hash"})
"""What a person may ask for."""

IN_TREE = re.compile(r"(?:/usr)?/lib/modules/([^/]+)/(.+)")


class ShellSide:
    """A box that has a shell, and this host, which thinks for it.

    greeting: what an agent would say of the box, as far as it holds.
    """

    def __init__(
        self, shell: Shell, sink: events.EventSink, contents: Contents | None = None
    ) -> None:
        """Take a shell that has begun; ask it what the box is."""
        uname = answers.read_uname(shell)
        self._sink = sink
        self._work = Work(shell, contents or Contents(), sink, uname)
        self._roots = roots(self._work.contents)
        self.greeting: dict[str, Any] = {
            "protocol": PROTOCOL,
            "python": None,
            **{name: uname[name] for name in ("release", "machine", "hostname")},
        }
        sink(
            events.State(f"no Python on {uname['release']}: its shell does, by "
                         f"{', '.join(sorted(shell.tools))}")
        )  # fmt: skip

    def request(self, name: str, **arguments: Any) -> Any:  # noqa: ANN401
        """Return the answer to a request, as an agent on the box would give it.

        Raise ReplyError for an error, and for a request that needs an agent.
        """
        self.need(name)
        answer = ANSWERS[name]
        given = {key: plain_of(value) for key, value in arguments.items()}
        checked = TABLE[name].check(name, given)
        try:
            return self._plain(answer(self._work, **checked))
        except AgentError as error:
            raise self._error(error, name) from error
        except ReplyError as error:
            raise self._placed(error) from error.__cause__

    def need(self, name: str) -> None:
        """Raise ReplyError for a request that needs an agent on the box."""
        if name not in ANSWERS:
            raise self._refusal(name)

    def push(self, source: Path | bytes, path: str, *, mode: int = 0o644) -> Any:  # noqa: ANN401
        """Send a file to its place on the box; return what became of it."""
        content = source if isinstance(source, bytes) else source.read_bytes()
        place = native(plain_of(path))
        sha256 = resources.sha256(content)
        before = hash_file(self._work.shell, place)
        if before != sha256:
            self._named(path, lambda: send_file(self._work.shell, place, content, mode))
        self._record(place, sha256, len(content))
        return {
            "path": path,
            "size": len(content),
            "sha256": sha256,
            "changed": before != sha256,
            "replaced": before,
        }

    def pull(self, path: str, into: BinaryIO) -> Pulled:
        """Write the content of a file of the box, checked by its sum."""
        shell, place = self._work.shell, native(plain_of(path))
        arriving = Arriving(into, shell.sum_name)

        def take(octets: bytes) -> None:
            arriving.take(octets)
            self._sink(events.Progress(arriving.size_bytes, 0, path))

        if not shell.stream_file(place, take, limit_s=LIMIT_S):
            raise ReplyError(
                "there is no such file, or it cannot be read",
                code="file-error",
                where=f"{shell.box}, {path}",
                next_step="look for a module with: modferry facts --module NAME"
                " --on BOX",
            )
        sums = shell.sums([place], limit_s=LIMIT_S)
        if sums.get(place) != arriving.sum_by(shell.sum_name):
            raise ReplyError(
                "what arrived is not what was sent",
                code="transfer-damaged",
                where=f"{shell.box}, {path}",
                next_step="pull it again; the file may have been written to meanwhile",
            )
        return arriving.pulled()

    # What was pushed may be loaded, as after a push by the agent.
    def _record(self, path: str, sha256: str, size: int) -> None:
        if not is_module_file(path.rpartition("/")[2]):
            return
        found = IN_TREE.fullmatch(path)
        release, name = found.groups() if found else (self._work.release, path)
        self._named(
            path,
            lambda: indexing.record(
                self._work, "", release, {name: (sha256, size)}, replace=False
            ),
        )

    def _named(self, path: str, act: Callable[[], None]) -> None:
        try:
            act()
        except AgentError as error:
            raise self._error(error, "push") from error
        except ReplyError as error:
            error.where = error.where or path
            raise self._placed(error) from error.__cause__

    def _placed(self, error: ReplyError) -> ReplyError:
        where = self._plain(error.where)
        error.where = ", ".join(filter(None, (self._work.shell.box, where)))
        return error

    # The agent's text has one character a byte, and paths below a mirror's root.
    def _plain(self, value: Any) -> Any:  # noqa: ANN401 - plain values
        if isinstance(value, str):
            octets = self._roots.sub("", value).encode("latin-1", "replace")
            return octets.decode("utf-8", "surrogateescape")
        if isinstance(value, list | tuple):
            return [self._plain(item) for item in value]
        if isinstance(value, dict):
            return {key: self._plain(item) for key, item in value.items()}
        return value

    def _error(self, error: AgentError, request: str) -> ReplyError:
        kind = LoadError if request in LOADING else ReplyError
        box = self._work.shell.box
        return kind(
            self._plain(error.message),
            code=error.code,
            details=self._plain(error.details),
            where=f"{box}, {self._plain(error.where)}" if error.where else box,
            why=self._plain(str(error.details.get("why", ""))),
            next_step=self._plain(error.hint),
        )

    def _refusal(self, name: str) -> ReplyError:
        return ReplyError(
            f'"{name}" needs Python on the box, and there is none',
            code="needs-python",
            where=self._work.shell.box,
            why="by its shell alone go: " + ", ".join(COMMANDS),
            next_step="install python3-minimal there (python-minimal on Squeeze and "
            "Wheezy), or name its path under python in the profile",
        )
