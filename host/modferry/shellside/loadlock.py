"""One load at a time on a box, among those who have nothing there but its shell.

A directory, which one alone can make, with the number of the shell that made it and
when that began.  The directory of a shell that is gone is taken away.  An agent's load
holds another lock, one that no shell can look at.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from modferry.errors import LoadError
from modferry.shellside.talk import Shell
from modferry_agent.system.kernel import LoadLock

LIMIT_S = 30.0

# A number may be another process's by now; field 22 of stat is when it began.
# Source: proc(5).  The name in it, a shell's, holds no blank.
_WHO = r"""
who() { read -r _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ b _ </proc/$1/stat&&
echo $1 $b; }
for d in %s; do [ -d $d ]&&break; done
l=$d/modferry-load.d
me=$(who $$)
"""

_TAKE = r"""
for t in 1 2 3; do
    if mkdir -m 700 $l; then echo "$me" >$l/by; exit 0; fi
    [ -d $l ]||exit 0
    # Between the two commands above it is nobody's, for a moment.
    [ -s $l/by ]||sleep 1
    by=$(cat $l/by)
    [ "$by" = "$me" ]&&exit 0
    [ "$by" ]&&[ "$(who ${by%% *})" = "$by" ]&&exit 9
    mv $l $l.$$||continue
    # Another one may have taken it away, and made its own, just before.
    [ "$(cat $l.$$/by)" = "$by" ]||{ mv $l.$$ $l; exit 9; }
    rm -rf $l.$$
done
exit 9
"""

_GIVE = r"""
[ "$(cat $l/by)" = "$me" ]&&rm -rf $l
"""

TAKEN = 9


@contextmanager
def one_at_a_time(shell: Shell, *, dry_run: bool = False) -> Iterator[None]:
    """Hold the lock; LoadError if another load holds it.

    Who cannot make the directory cannot load either, and goes on without.
    """
    if dry_run:
        yield
        return
    who = _WHO % " ".join(LoadLock.PLACES)
    status, _ = shell.run(who + _TAKE, limit_s=LIMIT_S)
    if status == TAKEN:
        raise LoadError(
            "another load is under way on the box",
            code="busy",
            where="/run/modferry-load.d",
            next_step="try again when it has ended",
        )
    with shell.tidied(who + _GIVE):
        yield
