"""What a kernel refuses whatever is in a module: by its settings, read beforehand."""

from modferry_agent.core.signature import MAGIC

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable  # noqa: F401  # novermin

    # Code, why, next step, evidence.
    Refusal = tuple[str, str, str, str]

_DISABLED = "/proc/sys/kernel/modules_disabled"
_ENFORCED = "/sys/module/module/parameters/sig_enforce"
_LOCKDOWN = "/sys/kernel/security/lockdown"
_COMMAND_LINE = "/proc/cmdline"


def refusals(read, name, image):
    # type: (Callable[[str], str | None], str, bytes) -> list[Refusal]
    """Return why this kernel refuses the module, each with the file that says so.

    read: returns the text of a kernel file, None where there is none
    name: by which the kernel knows the module; image: its bytes, decompressed
    """
    found = []  # type: list[Refusal]
    if (read(_DISABLED) or "").strip() == "1":
        why = "loading modules was switched off until the next boot"
        found.append(("modules-disabled", why, "reboot the box", _DISABLED + ": 1"))
    for word in (read(_COMMAND_LINE) or "").split():
        if word.startswith("module_blacklist=") and name in word[17:].split(","):
            why = "the kernel's command line forbids it"
            step = "take it out of module_blacklist in the boot loader and reboot"
            evidence = "%s: %s" % (_COMMAND_LINE, word)
            found.append(("blacklisted-by-kernel", why, step, evidence))
    if image.endswith(MAGIC):
        return found
    enforced = (read(_ENFORCED) or "").strip()
    if enforced in ("Y", "1"):
        why = "it is not signed, and the kernel loads only signed modules"
        step = (
            "sign it with a key the kernel trusts, or boot without module.sig_enforce"
        )
        evidence = "%s: %s" % (_ENFORCED, enforced)
        found.append(("signature", why, step, evidence))
    lockdown = (read(_LOCKDOWN) or "").strip()
    if "[integrity]" in lockdown or "[confidentiality]" in lockdown:
        why = "it is not signed, and kernel lockdown (secure boot) refuses that"
        step = "sign it with a key the kernel trusts, or boot without lockdown"
        evidence = "%s: %s" % (_LOCKDOWN, lockdown)
        found.append(("lockdown", why, step, evidence))
    return found
