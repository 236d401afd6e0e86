"""The shell scripts and unit files that stay on a box, for /bin/sh of any age.

What they have in common: nothing is asked, nothing waits without end, and whatever is
wrong with the agent, what called them goes on.
"""

import sys

from modferry_agent.compat import native

DIRECTORY = "/lib/modferry"
ARCHIVE = DIRECTORY + "/modferry-agent.pyz"
CHECK = DIRECTORY + "/check-indexes"
INIT = "/etc/init.d/modferry-indexes"
UNIT = "/lib/systemd/system/modferry-indexes.service"
UNIT_LINK = "/etc/systemd/system/sysinit.target.wants/modferry-indexes.service"
DPKG = "/etc/dpkg/dpkg.cfg.d/modferry-indexes"

_MARK = "# modferry: "

# How long the agent may take before the box's own depmod does it, or a boot goes on.
DEPMOD_LIMIT_S = 900
CHECK_LIMIT_S = 120

_FIND = """\
python=
for each in %(python)s /usr/bin/python3 /usr/bin/python2 /usr/bin/python; do
    if [ -x "$each" ]; then
        python=$each
        break
    fi
done
limit=
if timeout 5 true 2> /dev/null; then
    limit="timeout %(limit_s)d"
fi
"""

_DEPMOD = """\
#!/bin/sh
%(mark)sdepmod by modferry's agent; by the box's own if that does not end well
own=%(own)s
agent=%(archive)s
%(find)sif [ -n "$python" ] && [ -r "$agent" ]; then
    # What it prints counts only if it ends well; the x keeps the last newlines.
    # shellcheck disable=SC2086 # the words of the limit
    if output=$($limit "$python" -E "$agent" depmod "$@" < /dev/null && echo x); then
        printf %%s "${output%%x}"
        exit 0
    fi
    echo "depmod: modferry's agent did not end well: the box's own runs" >&2
fi
exec "$own" "$@"
"""

_CHECK = """\
#!/bin/sh
%(mark)sare the indexes whole, and do they match the modules? if not, write them
agent=%(archive)s
%(find)sif [ -n "$python" ] && [ -r "$agent" ]; then
    # shellcheck disable=SC2086 # the words of the limit
    $limit "$python" -E "$agent" indexcheck "$@" < /dev/null ||
        echo "modferry: the check of the module indexes did not end well" >&2
fi
exit 0
"""

_INIT = """\
#!/bin/sh
%(mark)schecks the module indexes at boot
### BEGIN INIT INFO
# Provides:          modferry-indexes
# Required-Start:    $local_fs
# Required-Stop:
# Should-Start:      mountall
# Default-Start:     S
# Default-Stop:
# Short-Description: Check the indexes of the kernel's modules
# Description:       Writes modules.dep and the others anew where a power cut or
#                    another depmod left them incomplete.
### END INIT INFO
case ${1-} in
start | restart | force-reload)
    [ ! -x %(check)s ] || %(check)s
    ;;
stop | status) ;;
*)
    echo "usage: $0 start|stop|restart|force-reload|status" >&2
    exit 3
    ;;
esac
exit 0
"""

_UNIT = """\
%(mark)schecks the module indexes at boot
[Unit]
Description=Check the indexes of the kernel's modules
DefaultDependencies=no
RequiresMountsFor=/lib/modules /var/lib/modferry
After=systemd-remount-fs.service local-fs.target
Before=sysinit.target shutdown.target
Conflicts=shutdown.target
ConditionPathIsExecutable=%(check)s

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=-%(check)s
TimeoutStartSec=%(limit_s)d
StandardOutput=journal
StandardError=journal

[Install]
WantedBy=sysinit.target
"""

_DPKG = """\
%(mark)schecks the module indexes after each run of dpkg
post-invoke=%(check)s || true
"""


def depmod_script(own):
    # type: (str) -> str
    """Return the script that stands in depmod's place; own: what runs the box's own."""
    return _filled(_DEPMOD, DEPMOD_LIMIT_S, own=own)


def hook_files():
    # type: () -> list[tuple[str, str, int]]
    """Return ``(path, text, mode)`` of what checks at boot and after dpkg."""
    return [
        (CHECK, _filled(_CHECK, CHECK_LIMIT_S), 493),
        (INIT, _filled(_INIT, CHECK_LIMIT_S), 493),
        (UNIT, _filled(_UNIT, CHECK_LIMIT_S + 30), 420),
        (DPKG, _filled(_DPKG, CHECK_LIMIT_S), 420),
    ]


def is_ours(content):
    # type: (bytes) -> bool
    """Say whether a file is one of these."""
    return _MARK in native(content[:200])


def _filled(text, limit_s, own=""):
    # type: (str, int, str) -> str
    values = {
        "python": sys.executable or "/usr/bin/python3",
        "limit_s": limit_s,
        "mark": _MARK,
        "archive": ARCHIVE,
        "check": CHECK,
        "own": own,
    }
    values["find"] = _FIND % values
    return text % values
