"""Files of one directory of a box changed as a set, by its shell.

The same steps, and the same names on the way, as the agent's `system.publication`: what
one of them began, the other ends.  The whole of it is one command, which the shell has
read before it begins: a link that breaks meanwhile does not stop it half-way.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping

from modferry.errors import ReplyError
from modferry.shellside import scripts
from modferry.shellside.talk import Shell
from modferry.shellside.way import quoted

LIMIT_S = 300.0
LOCK_WAIT_S = 60

HIDDEN = ".modferry"

# ``mv`` into a directory, and not onto the link's name: onto a link to a directory it
# would move into that.
FUNCTIONS = r"""
target() { l=$(ls -ld "$1")&&printf %s "${l#* -> }"; }
diverted() { [ -L "$1" ]&&[ "$(target "$1")" = ".modferry/current/$1" ]; }
there() { [ -e "$1" ]||[ -L "$1" ]; }
twin() { ln "$1" "$2" 2>/dev/null||cp -p "$1" "$2"; }
settle() {
    [ -d .modferry ]||{ rm -f .modferry; return; }
    c=
    for n in modules.*; do
        diverted "$n"||continue
        if [ -z "$c" ]; then c=.modferry/$(target .modferry/current)||return; sync; fi
        if there "$c/$n.placed"; then mv -f "$c/$n.placed" "$n"||return
        elif there "$c/$n"; then mv -f "$c/$n" "$n"||return
        else rm -f "$n"||return
        fi
    done
    sync
    [ -z "$c" ]||sleep 0.01 2>/dev/null||sleep 1
    rm -rf .modferry
}
"""

MAKE = r"""
settle&&mkdir -m 755 .modferry .modferry/new .modferry/old .modferry/next
"""

DIVERT = r"""
change() {
    for n; do
        chmod 644 ".modferry/new/$n"||return
        twin ".modferry/new/$n" ".modferry/new/$n.placed"||return
        if [ -L "$n" ]; then
            ln -s "$(target "$n")" ".modferry/old/$n.placed"||return
            cat "$n" >".modferry/old/$n" 2>/dev/null||rm -f ".modferry/old/$n"
        elif [ -d "$n" ]; then
            echo "$n: Is a directory"
            return 1
        elif [ -e "$n" ]; then
            twin "$n" ".modferry/old/$n"&&twin "$n" ".modferry/old/$n.placed"||return
        fi
    done
    if [ $# = 1 ]||! ln -s new .modferry/next/current; then
        sync
        for n; do mv -f ".modferry/new/$n" "$n"||return; done
        return 0
    fi
    ln -s old .modferry/current||return
    for n; do ln -s ".modferry/current/$n" ".modferry/$n.link"||return; done
    sync
    for n; do mv -f ".modferry/$n.link" "$n"||return; done
    sync
    mv -f .modferry/next/current .modferry/
}
"""


class Publisher:
    """Changes the index files of one directory."""

    def __init__(self, shell: Shell, directory: str) -> None:
        """Name the directory, in the agent's text."""
        self._shell = shell
        self._directory = directory

    def compare(self, files: Mapping[str, bytes]) -> tuple[list[str], list[str]]:
        """Return the names that `publish` would change, and the others."""
        paths = {posixpath.join(self._directory, name): name for name in files}
        sums = self._shell.sums(paths, limit_s=LIMIT_S)
        changed: list[str] = []
        unchanged: list[str] = []
        for path, name in paths.items():
            same = sums.get(path) == self._shell.sum_of(files[name])
            (unchanged if same else changed).append(name)
        return changed, unchanged

    def publish(self, files: Mapping[str, bytes]) -> tuple[list[str], list[str]]:
        """Make the files the directory's, all of them or none.

        Return what `compare` does.  Raise ReplyError: nothing is changed, or all is.
        """
        if not self._shell.lock(self._directory, wait_s=LOCK_WAIT_S):
            raise ReplyError(
                "another run writes the indexes of this tree",
                code="index-busy",
                where=self._directory,
                next_step="wait until it has ended",
            )
        try:
            return self._publish(files)
        finally:
            self._shell.unlock()

    def _publish(self, files: Mapping[str, bytes]) -> tuple[list[str], list[str]]:
        self._do("settle")
        changed, unchanged = self.compare(files)
        if not changed:
            self._do("sync; touch modules.dep")
            return changed, unchanged
        try:
            self._do(MAKE)
            for name in changed:
                place = f"{self._directory}/{HIDDEN}/new/{name}"
                self._shell.write_file(place, files[name], limit_s=LIMIT_S)
        except ReplyError:
            self._do("settle", checked=False)
            raise
        words = " ".join(map(quoted, changed))
        status, said = self._do(
            f"{DIVERT}\nchange {words}; s=$?\nsettle||exit\nexit $s", checked=False
        )
        overwritten = self.compare(files)[0]
        if overwritten and status:
            raise self._refused(said)
        if status:
            raise ReplyError(
                f"the new indexes are in place, but as links into {HIDDEN}",
                code="index-untidy",
                where=self._directory,
                why=said.decode("utf-8", "replace").strip(),
                next_step="run depmod again",
            )
        if overwritten:
            raise ReplyError(
                f"another program wrote {', '.join(overwritten)} meanwhile",
                code="index-overwritten",
                where=self._directory,
                next_step="run it again; another depmod than this one takes no lock",
            )
        if "modules.dep" in unchanged:
            self._do("touch modules.dep")
        return changed, unchanged

    def _do(self, script: str, *, checked: bool = True) -> tuple[int, bytes]:
        status, said = self._shell.run(
            f"exec 2>&1\ncd {quoted(self._directory)}||exit\n{FUNCTIONS}\n{script}",
            limit_s=LIMIT_S,
        )
        if status and checked:
            raise self._refused(said)
        return status, said

    def _refused(self, said: bytes) -> ReplyError:
        error = scripts.refused(said, self._directory)
        error.message = f"the indexes could not be written: {error.message}"
        return error
