r"""The kernel's log: records of /dev/kmsg (Linux 3.5) and text of syslog(2), parsed.

    /dev/kmsg   4,382,4908086,-;dummy: Unknown symbol ether_setZQ (err -2)
                 KEY=value
                priority, sequence, microseconds, flag[, caller=T123 ...]; text, where
                bytes below 32, above 126 and the backslash are \xHH
    syslog(2)   <4>[    0.366267] dummy: Unknown symbol ether_setZQ
                the stamp only with printk.time=1, the level not from an old dmesg

A priority is 8 times the facility (0: the kernel itself) plus the level.
"""

import re

from modferry_agent.core import messages

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Match  # noqa: F401  # novermin

    Record = dict[str, Any]

_ESCAPE = re.compile(r"\\x([0-9a-f]{2})")
_LEVEL = re.compile(r"^<(\d+)>")
_STAMP = re.compile(r"^\[ *(\d+)\.(\d{6})\] ?")
_CALLER = re.compile(r"^\[ *([TC]\d+)\] ?")


def parse_record(text):
    # type: (str) -> Record | None
    """Return what one read of /dev/kmsg gave; None if it is no record."""
    head, separator, body = text.partition(";")
    fields = head.split(",")
    if not separator or len(fields) < 3 or not "".join(fields[:3]).isdigit():
        return None
    priority = int(fields[0])
    caller = ""
    for field in fields[3:]:
        if field.startswith("caller="):
            caller = field[7:]
    return {
        "sequence": int(fields[1]),
        "time_us": int(fields[2]),
        "level": priority & 7,
        "facility": priority >> 3,
        "caller": caller,
        "text": _ESCAPE.sub(_unescaped, body.split("\n", 1)[0]),
        "own": False,
    }


def parse_ring(text, begins_whole=True):
    # type: (str, bool) -> list[Record]
    """Return the records of a text of syslog(2), one a line.

    begins_whole: False drops the first line, which the ring may have cut.
    """
    lines = text.split("\n")
    if not begins_whole:
        lines = lines[1:]
    return [parse_line(line) for line in lines if line]


def parse_line(line):
    # type: (str) -> Record
    """Return a line of syslog(2), or of the console, as a record."""
    caller = ""
    priority, stamp = None, None  # type: int | None, int | None
    match = _LEVEL.match(line)
    if match is not None:
        priority = int(match.group(1))
        line = line[match.end() :]
    match = _STAMP.match(line)
    if match is not None:
        stamp = int(match.group(1)) * 1000000 + int(match.group(2))
        line = line[match.end() :]
        # Since Linux commit 15ff2069cb7f ("printk: Add caller information to printk()
        # output.") (v5.1), where the kernel was built so.
        match = _CALLER.match(line)
        if match is not None:
            caller, line = match.group(1), line[match.end() :]
    return {
        "sequence": None,
        "time_us": stamp,
        "level": None if priority is None else priority & 7,
        "facility": None if priority is None else priority >> 3,
        "caller": caller,
        "text": line,
        "own": False,
    }


def between_marks(ring, first, last):
    # type: (str, str, str) -> tuple[str, bool]
    """Return the lines between two marks, and whether earlier ones are lost.

    The ring may have wrapped over the first mark: then all up to the last is taken.
    """
    end = ring.rfind(last)
    if end >= 0:
        ring = ring[: ring.rfind("\n", 0, end) + 1]
    start = ring.rfind(first)
    if start < 0:
        return ring, True
    return ring[ring.find("\n", start) + 1 :], False


def new_text(before, after):
    # type: (str, str) -> tuple[str, bool]
    """Return what a second copy of the ring has more; True: some of it is lost.

    The first copy's end is sought in the second, for the ring drops its oldest lines.
    """
    lines = before.split("\n")
    for count in (64, 16, 4, 2):
        tail = "\n".join(lines[-count:])
        if len(tail) > 1:
            place = after.rfind(tail)
            if place >= 0:
                return after[place + len(tail) :], False
    return after, bool(before)


def mark_own(records, names, caller=""):
    # type: (list[Record], list[str], str) -> None
    """Set ``own`` on the records that belong to a load of a module.

    names: the names the module may go by: of its file, and the kernel's
    caller: as the kernel writes the thread that made the call (T123), if it does

    A line that names the thread is sure.  Else it must name the module, or be a line
    of the loader that names none: loads are made one at a time.
    """
    known = [name.replace("-", "_") for name in names if name]
    for record in records:
        if record["facility"] not in (0, None):
            record["own"] = False
        elif record["caller"] and caller:
            record["own"] = record["caller"] == caller
        else:
            record["own"] = _belongs(record["text"], known)


def _belongs(text, names):
    # type: (str, list[str]) -> bool
    plain_text = text.replace("-", "_")
    for name in names:
        if re.search(
            r"(?<![A-Za-z0-9_])%s(?![A-Za-z0-9_])" % re.escape(name), plain_text
        ):
            return True
    message = messages.find_message(text)
    return message is not None and message["module"] in ("", "x86/modules")


def plain(record):
    # type: (Record) -> Record
    """Return the record as it goes to the host."""
    return dict([(key, record[key]) for key in record if key != "caller"])


def _unescaped(match):
    # type: (Match[str]) -> str
    return chr(int(match.group(1), 16))
