"""Compressed module files: told by magic, opened by Python or the box's tools."""

from modferry_agent.compat import native, raw
from modferry_agent.errors import FileError, FormatError
from modferry_agent.system import processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable  # noqa: F401  # novermin

    # What makes a decoder, and the error that it raises.
    Decoder = tuple[Callable[[], Any], type[Exception]]

# More than any module has; a compressed file of zeros must not fill the memory.
MOST_BYTES = 256 * 1024 * 1024

_CHUNK = 1 << 20


def _gzip_decoder():
    # type: () -> Decoder
    import zlib

    return (lambda: zlib.decompressobj(31)), zlib.error


def _xz_decoder():
    # type: () -> Decoder
    import lzma  # novermin

    if not hasattr(lzma.LZMADecompressor, "needs_input"):
        raise ImportError("before Python 3.5 its output cannot be bounded")
    return (lambda: lzma.LZMADecompressor(memlimit=MOST_BYTES)), lzma.LZMAError


def _zstd_decoder():
    # type: () -> Decoder
    from compression import zstd  # type: ignore[import-not-found,unused-ignore]  # novermin

    make = zstd.ZstdDecompressor  # type: Callable[[], Any]
    broken = zstd.ZstdError  # type: type[Exception]
    return make, broken


# Magic, what the kind is called, Python's decoder, the box's tool, the tool's package.
KINDS = (
    (b"\x28\xb5\x2f\xfd", "zst", _zstd_decoder, "zstd", "zstd"),
    (b"\xfd7zXZ\x00", "xz", _xz_decoder, "xz", "xz-utils"),
    (b"\x1f\x8b", "gz", _gzip_decoder, "gzip", "gzip"),
)


def decompressed(stored, path):
    # type: (bytes, str) -> bytes
    """Return the module's own bytes; a file that is not compressed comes as it is.

    Raises FormatError (code ``bad-compression``) when the file is broken or grows
    beyond measure, FileError (``no-decompressor``) when neither Python nor the box can
    open it.
    """
    for magic, kind, make_decoder, tool, package in KINDS:
        if stored.startswith(magic):
            try:
                decoder = make_decoder()
            except ImportError:
                return _by_tool(stored, path, kind, tool, package)
            return _by_python(stored, path, kind, decoder)
    return stored


def kind_of(start):
    # type: (bytes) -> str
    """Return the compression of a file that starts so: zst, xz, gz or ""."""
    for magic, kind, _decoder, _tool, _package in KINDS:
        if start.startswith(magic):
            return kind
    return ""


def is_compressed(start):
    # type: (bytes) -> bool
    """Say whether a file that starts so is compressed."""
    return kind_of(start) != ""


def available(kind):
    # type: (str) -> str | None
    """Return what opens files of that kind here: a Python module, a tool, or None."""
    for _magic, name, make_decoder, tool, _package in KINDS:
        if name == kind:
            try:
                make_decoder()
            except ImportError:
                return tool if _tool_path(tool) else None
            return {"gz": "zlib", "xz": "lzma", "zst": "zstd"}[kind]
    return None


def _by_python(stored, path, kind, decoder):
    # type: (bytes, str, str, Decoder) -> bytes
    make, broken = decoder
    pieces = []
    size = 0
    # Several streams may stand one behind the other, as the tools write them.  The
    # byte put behind all of them makes the end of a stream show in unused_data, the
    # only sign of it that all decoders of all Pythons have.
    rest = stored + b"\0"
    try:
        while rest.strip(b"\0"):
            stream = make()
            chunk = rest
            while not stream.unused_data:
                piece = stream.decompress(chunk, _CHUNK)
                size += len(piece)
                pieces.append(piece)
                if size > MOST_BYTES:
                    raise _broken(
                        path, kind, "it holds more than %d bytes" % MOST_BYTES
                    )
                # zlib gives back what it did not take; the others keep it themselves.
                chunk = getattr(stream, "unconsumed_tail", b"")
                if not piece and not chunk and not stream.unused_data:
                    raise _broken(path, kind, "it is cut")
            rest = stream.unused_data
    except (broken, EOFError, MemoryError) as error:
        raise _broken(path, kind, str(error))
    return b"".join(pieces)


def _by_tool(stored, path, kind, tool, package):
    # type: (bytes, str, str, str, str) -> bytes
    if _tool_path(tool) is None:
        raise FileError(
            "neither this Python nor the box can open .%s files" % kind,
            where=path,
            hint="install the package %s on the box" % package,
            code="no-decompressor",
        )
    script = "{ %s -dc 2>/dev/null; echo $? >&2; } | head -c %d" % (
        tool,
        MOST_BYTES + 1,
    )
    _pid, _status, opened, status = processes.run(["sh", "-c", script], stored)
    if len(opened) > MOST_BYTES:
        raise _broken(path, kind, "it holds more than %d bytes" % MOST_BYTES)
    if status.strip() != b"0":
        raise _broken(path, kind, "%s ends with status %s" % (tool, native(status)))
    return opened


def _tool_path(tool):
    # type: (str) -> str | None
    import os

    for directory in os.environ.get("PATH", "/usr/bin:/bin").split(":"):
        path = raw(directory + "/" + tool)
        if directory and os.access(path, os.X_OK):
            return native(path)
    return None


def _broken(path, kind, why):
    # type: (str, str, str) -> FormatError
    return FormatError(
        "the .%s file cannot be opened: %s" % (kind, why),
        where=path,
        code="bad-compression",
    )
