"""What this box can unpack: by its Python, or by a tool that it has."""

from modferry_agent.compat import TYPE_CHECKING, raw
from modferry_agent.errors import FileError

if TYPE_CHECKING:
    from typing import Any  # noqa: F401  # novermin

# Tools that read the .lzma format; busybox's unxz does not, its unlzma does.
_TOOLS = (
    ("xz", ("-dc", "--format=lzma")),
    ("lzma", ("-dc",)),
    ("unlzma", ("-c",)),
)


def available():
    # type: () -> list[str]
    """Return the packings that `inflated` can undo here, beside "stored"."""
    found = []
    try:
        import zlib  # noqa: F401

        found.append("deflate")
    except ImportError:
        pass
    try:
        import lzma  # noqa: F401  # novermin

        found.append("lzma")
    except ImportError:
        if _tool() is not None:
            found.append("lzma")
    return found


def inflated(stream, packing, size):
    # type: (Any, str, int) -> bytes
    """Return what a stream's bytes are the packing of.

    stream: a file, read from its beginning
    packing: "deflate" (raw, without zlib's frame), "lzma" (the .lzma format), "stored"
    ValueError unless it is whole and exactly of that size.
    """
    stream.seek(0)
    if packing == "deflate":
        octets = _by_zlib(stream.read(), size)
    elif packing == "lzma":
        octets = _by_lzma(stream, size)
    else:
        octets = stream.read()
    if len(octets) != size:
        raise ValueError("%d bytes unpacked, %d expected" % (len(octets), size))
    return octets


def _by_zlib(packed, size):
    # type: (bytes, int) -> bytes
    import zlib

    try:
        # One more than expected, so that one that is too long is seen.
        return zlib.decompressobj(-15).decompress(packed, size + 1)
    except zlib.error as error:
        raise ValueError(str(error))


def _by_lzma(stream, size):
    # type: (Any, int) -> bytes
    try:
        import lzma  # novermin
    except ImportError:
        return _by_tool(stream, size)
    try:
        octets = lzma.LZMADecompressor(lzma.FORMAT_ALONE).decompress(stream.read())
    except (lzma.LZMAError, EOFError) as error:
        raise ValueError(str(error))
    return octets


def _by_tool(stream, size):
    # type: (Any, int) -> bytes
    import os
    import subprocess

    command = _tool()
    if command is None:
        raise FileError(
            "nothing here opens the .lzma format",
            hint="install xz-utils on the box",
            code="no-decompressor",
        )
    # Python's file has read ahead; the tool reads at the descriptor's own place.
    os.lseek(stream.fileno(), 0, 0)
    errors = open(os.devnull, "wb")
    try:
        tool = subprocess.Popen(  # noqa: S603 - a tool of the box by its path
            command,
            stdin=stream.fileno(),
            stdout=subprocess.PIPE,
            stderr=errors,
            close_fds=True,
        )
        output = tool.stdout  # type: Any
        octets = output.read(size + 1)  # type: bytes
        output.close()
        status = tool.wait()
    finally:
        errors.close()
    if status:
        raise ValueError("%s ends with status %d" % (command[0], status))
    return octets


def _tool():
    # type: () -> list[str] | None
    import os

    for name, options in _TOOLS:
        for directory in os.environ.get("PATH", "/usr/bin:/bin").split(":"):
            path = "%s/%s" % (directory, name)
            if directory and os.access(raw(path), os.X_OK):
                return [path] + list(options)
    return None
