"""modules.devname: device nodes that load their module when they are opened.

Source: kmod, tools/depmod.c, output_devname.
"""

from modferry_agent.core.reasons import reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from modferry_agent.core.module import Module  # noqa: F401

_KINDS = (("char-major-", "c"), ("block-major-", "b"))
_NO_NUMBERS = (
    "it has the devname %s, but lacks major and minor numbers; not in modules.devname"
)


def line_of(module):
    # type: (Module) -> tuple[str | None, str | None]
    """Return the module's line of modules.devname or None, and a complaint or None."""
    node = None
    numbers = None
    for alias in module.aliases:
        if alias.startswith("devname:"):
            node = alias[len("devname:") :]
        else:
            numbers = _numbers_in(alias) or numbers
        if node is not None and numbers is not None:
            return "%s %s %s%d:%d" % ((module.name, node) + numbers), None
    if node is not None:
        return None, reason(_NO_NUMBERS % node, "devname", name=module.name, node=node)
    return None, None


def _numbers_in(alias):
    # type: (str) -> tuple[str, int, int] | None
    # Kind, major and minor; None unless both numbers are there.
    for start, kind in _KINDS:
        if alias.startswith(start):
            major, _dash, rest = alias[len(start) :].partition("-")
            minor = rest[: len(rest) - len(rest.lstrip("0123456789"))]
            if major.isdigit() and minor:
                return kind, int(major), int(minor)
    return None
