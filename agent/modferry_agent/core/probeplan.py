"""From a name or alias to the ordered steps that load it, as modprobe takes them.

Source: kmod, libkmod/libkmod-module.c, kmod_module_new_from_lookup and
kmod_module_get_probe_list.
"""

from modferry_agent.core import fnmatch
from modferry_agent.core.modprobeconfig import Config
from modferry_agent.core.names import module_name, normalise_alias, split_paths

TYPE_CHECKING = False
if TYPE_CHECKING:
    from modferry_agent.core.triereader import Index  # noqa: F401


class Step(object):
    """One module of a plan.

    name: as the indexes have it, after the file's or the link's name
    path: below the module tree or absolute; "" if no index has it
    options: from the configuration, and what the caller gave for the target
    command: the install command in place of the system call, or None
    builtin: it is part of the kernel; soft: its failing stops nothing
    target: it is what was asked for
    """

    __slots__ = ("name", "path", "options", "command", "builtin", "soft", "target")

    def __init__(self, name, path):
        # type: (str, str) -> None
        """Make a step that is nothing but a module to insert."""
        self.name = name
        self.path = path
        self.options = ""
        self.command = None  # type: str | None
        self.builtin = False
        self.soft = False
        self.target = False


class Sources(object):
    """What a name is looked up in; an index that is not there is None."""

    def __init__(self, config=None):
        # type: (Config | None) -> None
        """Start with the configuration alone."""
        self.config = config or Config()
        self.dep = None  # type: Index | None
        self.alias = None  # type: Index | None
        self.symbols = None  # type: Index | None
        self.builtin = None  # type: Index | None
        self.builtin_alias = None  # type: Index | None
        self.commands_beside_softdeps = False

    def resolve(self, text):
        # type: (str) -> list[str]
        """Return the names of the modules a name or alias stands for; maybe none.

        The first kind of source that knows the name answers alone.
        """
        name = normalise_alias(text)
        if name is None:
            return []
        config = self.config
        found = [
            target
            for pattern, target in config.aliases
            if fnmatch.matches(pattern, name)
        ]
        if not found and ":" not in name and self.dep and self.dep.lookup(name):
            found = [name]
        if not found and name.startswith("symbol:") and self.symbols:
            found = self.symbols.lookup(name)
        # By the very name: a pattern among them names no module.
        if not found and name in [rule[0] for rule in config.install]:
            found = [name]
        if not found and name in [rule[0] for rule in config.remove]:
            found = [name]
        if not found and self.alias:
            found = self.alias.match(name)
        if not found and self.is_builtin(name):
            found = [name]
        if not found and self.builtin_alias:
            found = self.builtin_alias.match(name)
        return found

    def is_builtin(self, name):
        # type: (str) -> bool
        """Say whether modules.builtin has the module."""
        return bool(self.builtin and self.builtin.lookup(name))

    def line_of(self, name):
        # type: (str) -> tuple[str, list[str]]
        """Return the path of a module and of its dependencies, as in modules.dep."""
        lines = self.dep.lookup(name) if self.dep else []
        if not lines:
            return "", []
        path, _, rest = lines[0].partition(":")
        return path, split_paths(rest)

    def plan(self, name, alias="", parameters="", bare=False):
        # type: (str, str, str, bool) -> list[Step]
        """Return the steps that load a module, in order.

        A module that a softdep brings in before its turn stands twice, as in kmod.

        alias: the name it was asked for by; its options lines count, too
        bare: without install commands and softdeps of the module itself
        """
        plan = _Plan(self, bare)
        plan.visit(name, target=True)
        for step in plan.steps:
            step.builtin = self.is_builtin(step.name)
            step.target = step.name == name
            step.options = self.config.options_of(
                step.name, alias if step.target else ""
            )
            if step.options:
                step.options += " "
            if step.target:
                step.options += parameters
            # An install command of a module with softdeps is not run: kmod issue 446.
            if step.name not in plan.without_command or self.commands_beside_softdeps:
                step.command = self.config.command_of("install", step.name)
            step.soft = step.name not in plan.required
        return plan.steps


class _Plan(object):
    """The walk over dependencies and softdeps."""

    def __init__(self, sources, bare):
        # type: (Sources, bool) -> None
        self.sources = sources
        self.bare = bare
        self.steps = []  # type: list[Step]
        self.required = []  # type: list[str]
        self.without_command = []  # type: list[str]
        self._visited = {}  # type: dict[str, bool]

    def visit(self, name, target=False):
        # type: (str, bool) -> None
        if name in self._visited:
            return
        self._visited[name] = True
        path, needed = self.sources.line_of(name)
        if target:
            self.required = [module_name(one) for one in needed] + [name]
        for one in reversed(needed):  # the line has what depends before what is needed
            self._add(module_name(one), one)
        if target and self.bare:
            self.without_command.append(name)
            self.steps.append(Step(name, path))
        else:
            self._add(name, path)

    def _add(self, name, path):
        # type: (str, str) -> None
        before, after = [
            self._all_of(texts) for texts in self.sources.config.softdeps_of(name)
        ]
        if before or after:
            self.without_command.append(name)
        for other in before:
            self.visit(other)
        self.steps.append(Step(name, path))
        for other in after:
            self.visit(other)

    def _all_of(self, texts):
        # type: (list[str]) -> list[str]
        return [name for text in texts for name in self.sources.resolve(text)]
