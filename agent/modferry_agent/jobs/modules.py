"""The loaded modules, as the kernel has them now."""

from modferry_agent.compat import TYPE_CHECKING
from modferry_agent.system.kernel import Kernel

if TYPE_CHECKING:
    from typing import Any  # noqa: F401  # novermin


def list_modules(kernel=None, context=None):
    # type: (Kernel | None, Any) -> list[dict[str, Any]]
    """Return name, size, refcount, holders, state and taints of each, newest first."""
    return (kernel or Kernel()).modules()
