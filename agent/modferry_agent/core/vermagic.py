"""Vermagic: the text by which a kernel and a module say what they were built as.

    6.1.0-18-amd64 SMP preempt mod_unload modversions
    release        properties of the build ...

Source: kernel, include/linux/vermagic.h; kernel/module/version.c, same_magic.
"""


def mismatch(had, should):
    # type: (str, str) -> str
    """Return in words how the vermagic a module has differs from what it should be.

    "" when the kernel would take it: with modversions on both sides it ignores the
    first word, the release, for the CRCs say more.
    """
    mine, wanted = had.split(), should.split()
    parts = []
    versioned = "modversions" in mine and "modversions" in wanted
    if not versioned and mine[:1] != wanted[:1]:
        parts.append(
            "it is for release %s, the kernel is %s"
            % ("".join(mine[:1]) or "none", "".join(wanted[:1]) or "unknown")
        )
    missing = [word for word in wanted[1:] if word not in mine[1:]]
    surplus = [word for word in mine[1:] if word not in wanted[1:]]
    if missing:
        parts.append('it lacks "%s"' % " ".join(missing))
    if surplus:
        parts.append('it has "%s", the kernel not' % " ".join(surplus))
    if not parts and mine[1:] != wanted[1:]:
        parts.append("the words are in another order")
    return "; ".join(parts)
