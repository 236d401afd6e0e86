"""What Debian gives to the practice box: a userland and a kernel, by the host's apt.

Nothing is installed on the host: packages are downloaded with the host's apt and
unpacked in the lab's own directory.
"""

from __future__ import annotations

import hashlib
import re
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path

from modferry.core.events import EventSink, State, ignore
from modferry.errors import UsageError
from modferry.lab import cpio, programs

PACKAGES = (
    "busybox-static",
    "iproute2",
    "kmod",
    "login",
    "mount",
    "openssh-server",
    "passwd",
    "procps",
    "python3",
    "sudo",
    "util-linux",
    "xz-utils",
    "zstd",
)
"""What the box has beside Debian's essential packages."""

ENGINEER = "engineer"
"""The user of the box who is not root and may use sudo; the password is root's."""

# Manuals, translations, locales, packages' records, Python's own tests: two fifths.
_UNWANTED = re.compile(
    r"""dev/ | var/cache/ | var/lib/apt/ | var/lib/dpkg/info/
    | usr/share/(?:bash-completion|doc|info|lintian|locale|man|perl|zoneinfo)/
    | usr/lib/[^/]+-linux-gnu/(?:gconv|perl)/
    | usr/lib/python3[^/]*/(?:ensurepip|idlelib|lib2to3|pydoc_data|test)/
    """,
    re.VERBOSE,
)

_HOOKS = (
    f'chroot "$1" useradd -m -s /bin/bash -G sudo {ENGINEER}',
    f'printf "%s:$MODFERRY_PASSWORD\\n" root {ENGINEER} | chroot "$1" chpasswd',
    'rm -f "$1"/etc/ssh/ssh_host_*',
)


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the host's apt gets Debian from.

    suite: the release's code name, such as ``trixie``.
    lines: in the one-line form of sources.list(5).
    options: apt's settings for the way there: proxies, checks.
    """

    suite: str
    lines: tuple[str, ...]
    options: tuple[str, ...]


def read_sources() -> Sources:
    """Return the host's sources; raise UsageError if apt has no Debian among them."""
    targets = programs.run(
        [
            "apt-get",
            "indextargets",
            "--format",
            "$(REPO_URI) $(RELEASE) $(COMPONENT)",
            "Created-By: Packages",
            "Origin: Debian",
        ],
        step="apt's sources",
    )
    settings = programs.run(["apt-config", "dump", "Acquire"], step="apt's settings")
    sources = parse_sources(targets, settings)
    if sources is None:
        raise UsageError(
            "apt has no index of a Debian release",
            where="/etc/apt/sources.list and sources.list.d",
            next_step="apt-get update",
        )
    return sources


def parse_sources(targets: str, settings: str) -> Sources | None:
    """Return the sources that apt's words stand for, or None if there are none.

    targets: a line an index: URI, release, component.
    settings: of ``apt-config dump``.
    """
    indexes = sorted({tuple(line.split()) for line in targets.splitlines()})
    lines = [f"deb {' '.join(words)}" for words in indexes]
    suites = [words[1] for words in indexes if "-" not in words[1]]
    if not suites:
        return None
    wanted = re.compile(r"Acquire::(?:https?::(?:\S+::)?[Pp]roxy|Check-)\S* .*[^\";]")
    options = [line for line in settings.splitlines() if wanted.match(line)]
    return Sources(suites[0], tuple(lines), tuple(options))


def build_userland(
    sources: Sources, password: str, cache: Path, events: EventSink = ignore
) -> Path:
    """Return a cpio archive of a small Debian; build it unless the cache has it.

    password: of root and the engineer.
    cache: a directory; its other userlands are removed.
    """
    recipe = repr((PACKAGES, _HOOKS, _UNWANTED.pattern, sources, password))
    key = hashlib.sha256(recipe.encode()).hexdigest()[:16]
    archive = cache / f"{key}.cpio"
    if archive.exists():
        return archive
    cache.mkdir(parents=True, exist_ok=True)
    events(State(f"building a userland of Debian {sources.suite}"))
    with tempfile.TemporaryDirectory(dir=cache) as scratch_name:
        scratch = Path(scratch_name)
        (scratch / "sources.list").write_text("\n".join(sources.lines) + "\n")
        programs.run(
            [
                "mmdebstrap",
                "--variant=essential",
                f"--include={','.join(PACKAGES)}",
                '--aptopt=Apt::Install-Recommends "false"',
                *(f"--aptopt={option}" for option in sources.options),
                "--dpkgopt=path-exclude=/usr/share/doc/*",
                "--dpkgopt=path-exclude=/usr/share/man/*",
                *(f"--customize-hook={hook}" for hook in _HOOKS),
                "--format=tar",
                sources.suite,
                scratch / "userland.tar",
                scratch / "sources.list",
            ],
            step="userland",
            env={"MODFERRY_PASSWORD": password},
        )
        with (
            tarfile.open(scratch / "userland.tar") as tar,
            (scratch / "userland.cpio").open("wb") as stream,
        ):
            cpio.write_tar(tar, stream, lambda name: not _UNWANTED.match(name))
        for old in cache.glob("*.cpio"):
            old.unlink()
        (scratch / "userland.cpio").rename(archive)
    return archive


def unpack_kernel(release: str, directory: Path, events: EventSink = ignore) -> None:
    """Unpack the kernel image package of that release into the directory."""
    package = f"linux-image-{release}"
    events(State(f"downloading {package}"))
    with tempfile.TemporaryDirectory(dir=directory.parent) as scratch_name:
        scratch = Path(scratch_name)
        scratch.chmod(0o755)  # apt's own user downloads into it
        programs.run(
            ["apt-get", "-q", "download", package],
            step=package,
            cwd=scratch,
            # A mirror drops the image of headers that were installed long ago.
            next_step="apt-get update && apt-get install linux-headers-amd64",
        )
        (archive,) = scratch.glob("*.deb")
        events(State(f"unpacking {archive.name}"))
        programs.run(["dpkg-deb", "-x", archive, directory], step=archive.name)
