"""modprobe of what is loaded already, answered before anything else is imported.

Nearly every call of modprobe is for a module that is there.  Python itself starts in
about the time in which kmod ends; so this file imports nothing that Python has not
imported by then, and says "loaded" only where it is sure that all the rest of us would
say the same and print nothing.  Whatever is unusual, it leaves to `tools.modprobe`.
"""

import posix

# Options that change nothing for a module that is there.
_FLAGS = (b"-a", b"--all", b"-b", b"--use-blacklist", b"-q", b"--quiet", b"-v")
_CONFIG = (b"/etc", b"/run", b"/usr/local/lib", b"/usr/lib", b"/lib")
_WITH_REST = (b"options", b"install", b"remove", b"softdep", b"weakdep")
_LETTERS = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-"

_HAS_PREFIX, _HAS_VALUES, _HAS_CHILDREN = 0x80000000, 0x40000000, 0x20000000
_OFFSET_MASK = 0x0FFFFFFF
_HEADER = b"\xb0\x07\xf4\x57\x00\x02"


def is_loaded(words, environment, root=b"", release=None):
    # type: (list[bytes], dict[bytes, bytes], bytes, bytes | None) -> bool
    """Say whether modprobe, so called, has nothing to do and nothing to print.

    words: its arguments; root: prefix of all paths; release: uname -r unless given
    """
    names = [word for word in words if word not in _FLAGS]
    if not names or environment.get(b"MODPROBE_OPTIONS"):
        return False
    if len(names) > 1 and b"-a" not in words and b"--all" not in words:
        return False
    for name in names:
        if name[:1] == b"-" or name.strip(_LETTERS):
            return False
    names = [name.replace(b"-", b"_") for name in names]
    if release is None:
        text = posix.uname()[2]
        release = text if isinstance(text, bytes) else text.encode("latin-1")
    tree = root + b"/lib/modules/" + release
    try:
        for name in names:
            if _read(root + b"/sys/module/" + name + b"/initstate") != b"live\n":
                return False
        return _is_plain(root, tree, names) and _has_all(tree, names)
    except (EnvironmentError, IndexError):
        return False


def _read(path):
    # type: (bytes) -> bytes
    handle = posix.open(path, posix.O_RDONLY)
    try:
        content = piece = posix.read(handle, 1 << 22)
        while piece:
            piece = posix.read(handle, 1 << 22)
            content += piece
        return content
    finally:
        posix.close(handle)


def _read_if_there(path):
    # type: (bytes) -> bytes
    try:
        return _read(path)
    except EnvironmentError as error:
        if error.errno == 2:  # ENOENT
            return b""
        raise


def _is_plain(root, tree, names):
    # type: (bytes, bytes, list[bytes]) -> bool
    # The configuration neither means these names nor makes anybody complain.
    line = _read_if_there(root + b"/proc/cmdline")
    if b"[" in line or b"]" in line:
        return False
    kind = _read_if_there(root + b"/sys/module/compression").strip()
    if kind not in (b"", b"zstd", b"xz", b"gzip"):
        return False
    seen = set()
    texts = [_read_if_there(tree + b"/modules.softdep")]
    texts.append(_read_if_there(tree + b"/modules.weakdep"))
    for top in _CONFIG:
        directory = root + top + b"/modprobe.d"
        try:
            listed = posix.listdir(directory)
        except EnvironmentError as error:
            if error.errno == 2:
                continue
            raise
        for name in listed:
            if name[-5:] == b".conf" and name[:1] != b"." and name not in seen:
                seen.add(name)
                texts.append(_read(directory + b"/" + name))
    for text in texts:
        if b"\\" in text:
            return False
        for line in text.split(b"\n"):
            if line and line[:1] != b"#" and not _is_plain_line(line, names):
                return False
    return True


def _is_plain_line(line, names):
    # type: (bytes, list[bytes]) -> bool
    words = line.split()
    if not words:
        return True
    command = words[0]
    if command == b"blacklist":
        return len(words) > 1 and b"[" not in words[1] and b"]" not in words[1]
    if len(words) < 3 or b"[" in words[1] or b"]" in words[1]:
        return False
    if command != b"alias":
        return command in _WITH_REST
    if b"[" in words[2] or b"]" in words[2]:
        return False
    pattern = words[1].replace(b"-", b"_")
    fixed = pattern.split(b"*", 1)[0].split(b"?", 1)[0]
    for name in names:
        if name == pattern or (fixed != pattern and name[: len(fixed)] == fixed):
            return False
    return True


def _has_all(tree, names):
    # type: (bytes, list[bytes]) -> bool
    octets = bytearray(_read(tree + b"/modules.dep.bin"))
    if octets[:6] != _HEADER:
        return False
    for name in names:
        if not _has(octets, bytearray(name)):
            return False
    return True


def _has(octets, key):
    # type: (bytearray, bytearray) -> bool
    # The format is drawn in core.trie.
    word = _number(octets, 8)
    place = 0
    while word:
        at = word & _OFFSET_MASK
        if word & _HAS_PREFIX:
            end = octets.find(b"\0", at)
            prefix = octets[at:end]
            if end < 0 or key[place : place + len(prefix)] != prefix:
                return False
            place += len(prefix)
            at = end + 1
        if place == len(key):
            if word & _HAS_CHILDREN:
                at += 2 + 4 * (octets[at + 1] - octets[at] + 1)
            # The line itself must be there, behind a count and a priority.
            return word & _HAS_VALUES != 0 and octets.find(b"\0", at + 8) >= 0
        if not word & _HAS_CHILDREN:
            return False
        child = key[place] - octets[at]
        if child < 0 or key[place] > octets[at + 1]:
            return False
        word = _number(octets, at + 2 + 4 * child)
        place += 1
    return False


def _number(octets, at):
    # type: (bytearray, int) -> int
    octet = octets[at : at + 4]
    return octet[0] << 24 | octet[1] << 16 | octet[2] << 8 | octet[3]
