"""What an errno of init_module or delete_module means where no line says more.

`core.causes` looks at the lines that the kernel printed first.
"""

import errno

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable  # noqa: F401  # novermin

LOG = "modferry klog --on BOX shows what else the kernel said"

# errno -> code, meaning, next; without a line of the loader.
SILENT = {
    "ENOENT": (
        "init-failed",
        "its own init function said that something it needs is not there: the kernel"
        " named no symbol and no parameter",
        "load what it needs at run time (softdep, hardware, algorithm); " + LOG,
    ),
    "EINVAL": (
        "init-failed",
        "its own init function found a value invalid: the kernel named no symbol and"
        " no parameter",
        "see its parameters (modinfo -p MODULE); " + LOG,
    ),
    "ENOEXEC": (
        "bad-format",
        "the kernel takes it for no module of its own (kernels before 5.10 do not say"
        " why)",
        "rebuild it against the headers of the running kernel",
    ),
    "EPERM": (
        "not-permitted",
        "loading is not permitted: not root, no CAP_SYS_MODULE, or a security module",
        "log in as root on the box itself, not in a container",
    ),
    "EACCES": (
        "not-permitted",
        "a security module (IMA, loadpin) refused it",
        "sign it, or place it where the box's policy lets modules come from",
    ),
    "EEXIST": (
        "already-loaded",
        "a module of that name is loaded already",
        "modferry unload MODULE --on BOX first, if it should be replaced",
    ),
    "EBUSY": (
        "busy",
        "another load of the same module is under way, or its init said busy",
        "try again in a moment; " + LOG,
    ),
    "EBADMSG": (
        "signature",
        "its signature is damaged (stripped after it was signed?)",
        "sign the module again, or push it again",
    ),
    "ENOKEY": ("signature", "the kernel has no key for its signature", "sign it"),
    "EKEYREJECTED": ("signature", "its signature is not accepted", "sign it"),
    "ENOPKG": ("signature", "the kernel lacks its signature's algorithm", "sign it"),
    "ESRCH": ("crc-mismatch", "a symbol has the wrong version", "rebuild it"),
    "ENOMEM": ("out-of-memory", "the kernel has no memory for it", "free memory"),
    "ENOSPC": (
        "bad-parameter",
        "the value of a parameter is too long",
        "see its parameters: modinfo -p MODULE",
    ),
    "ENODEV": ("no-device", "its init found no device it drives", LOG),
    "ENXIO": ("no-device", "its init found no device it drives", LOG),
    "EFAULT": ("internal", "the kernel could not read the module's bytes", ""),
    "ENOSYS": (
        "no-modules",
        "this kernel has no loadable modules, or not this system call",
        "boot a kernel with CONFIG_MODULES=y",
    ),
    "EOPNOTSUPP": ("bad-compression", "the kernel does not decompress", ""),
    "ETXTBSY": ("busy", "its file is open for writing", "try again in a moment"),
    "EINTR": ("busy", "the load was interrupted", "try again"),
}

# errno of delete_module -> code, meaning, next.
DELETE = {
    "ENOENT": ("not-loaded", "no module of that name is loaded", ""),
    "EAGAIN": (
        "in-use",
        "it is in use",
        "end what uses it (its holders, an open device), then unload again",
    ),
    "EBUSY": (
        "in-use",
        "its init has not ended, it is being removed, or it cannot be removed",
        "try again; a module without exit function stays until the next boot",
    ),
    "EPERM": SILENT["EPERM"],
    "ENOSYS": (
        "no-unload",
        "this kernel cannot remove modules",
        "boot a kernel with CONFIG_MODULE_UNLOAD=y",
    ),
}

# What insmod, of kmod, module-init-tools or busybox, says instead of strerror's text.
_TOOL_TEXTS = (
    ("unknown symbol", "ENOENT"),
    ("invalid module format", "ENOEXEC"),
    ("exec format error", "ENOEXEC"),
    ("wrong symbol version", "ESRCH"),
    ("invalid parameter", "EINVAL"),
    ("already in kernel", "EEXIST"),
    ("is in use", "EAGAIN"),
    ("not currently loaded", "ENOENT"),
    ("does not exist in /proc/modules", "ENOENT"),
)


def name_of(number):
    # type: (int) -> str | None
    """Return ENOENT for 2; None for 0; "errno N" for one without a name."""
    if not number:
        return None
    return errno.errorcode.get(number, "errno %d" % number)


def explain_delete(name):
    # type: (str) -> dict[str, Any]
    """Return code, meaning and next of a failed removal."""
    if name == "EWOULDBLOCK":
        name = "EAGAIN"
    row = DELETE.get(name, ("unload-failed", "the kernel said %s" % name, LOG))
    return {"code": row[0], "meaning": row[1], "next": row[2]}


def errno_of_text(text, strerror):
    # type: (str, Callable[[int], str]) -> int
    """Return the errno that an insmod or rmmod put into words; EIO if unknown.

    strerror: as os.strerror, which is not for the core to call.
    """
    low = text.lower()
    for part, name in _TOOL_TEXTS:
        if part in low:
            return int(getattr(errno, name))
    for number in errno.errorcode:
        if strerror(number).lower() in low:
            return number
    return errno.EIO


def split_parameters(text):
    # type: (str) -> list[str]
    """Return the parameters as words for a command line; quotes keep blanks inside."""
    words = []  # type: list[str]
    word, quoted = "", False
    for letter in text:
        if letter == '"':
            quoted = not quoted
        if letter in " \t\n" and not quoted:
            if word:
                words.append(word)
            word = ""
        else:
            word += letter
    if word:
        words.append(word)
    return words
