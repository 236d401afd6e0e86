"""One fuzzed case: damaged input, and the laws that hold whatever it is."""

from __future__ import annotations

import random
import signal
import struct
from collections import Counter
from types import FrameType

from modferry_agent.core import depgraph, modulefacts, triereader
from modferry_agent.core.module import Module, parse_module
from modferry_agent.core.symbols import SymbolTable
from modferry_agent.errors import FormatError
from support import elfwriter, mutations

MOST_S = 2
# Good modules: the second needs the first, the third also what the damaged one exports.
_GOOD = (
    ("a.ko", elfwriter.kernel_module("a", exports=["one"])),
    ("b.ko", elfwriter.kernel_module("b", exports=["two"], imports=["one"])),
    ("c.ko", elfwriter.kernel_module("c", imports=["two", "bad_one"])),
)
_MODULES = mutations.module_seeds()
_INDEXES = mutations.index_seeds()
_KEYS = ("abc", "ab", "pci:v0001d5", "x" * 200, "", "zz", "pci:v", "\xff")


class Findings:
    """What the cases came to, and those that break a law."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.broken: list[tuple[int, str]] = []

    def module(self, seed: int) -> None:
        """Damage a module beside good ones; make the lines of modules.dep."""
        moments = random.Random(seed)
        original = moments.choice(_MODULES)
        content = mutations.damaged(original, moments)
        self._judge(seed, lambda: self._module_outcome(original, content))

    def index(self, seed: int) -> None:
        """Damage an index; look everything up in it."""
        moments = random.Random(seed)
        content = mutations.damaged(moments.choice(_INDEXES), moments)
        self._judge(seed, lambda: _index_outcome(content))

    def _judge(self, seed: int, case) -> None:
        before = signal.signal(signal.SIGALRM, _too_long)
        signal.alarm(MOST_S)
        try:
            outcome = case()
        except Exception as error:  # noqa: BLE001 - any is a finding
            outcome = f"crash: {type(error).__name__}: {error}"
        finally:
            signal.alarm(0)
            signal.signal(signal.SIGALRM, before)
        self.outcomes[outcome.partition(":")[0]] += 1
        if outcome.partition(":")[0] in ("crash", "silent", "lost"):
            self.broken.append((seed, outcome))

    def _module_outcome(  # noqa: PLR0911 - one for each outcome
        self, original: bytes, content: bytes
    ) -> str:
        modules = [parse_module(path, octets) for path, octets in _GOOD]
        try:
            bad = parse_module("bad.ko", content)
            told = list(bad.problems)
        except FormatError as error:
            bad = Module("bad.ko")
            told = [error.message]
        if _quick_facts(content) != (_facts(bad)[2:], tuple(told)):
            return "lost: what modulefacts makes of it differs"
        modules.append(bad)
        table = SymbolTable()
        table.add_modules(modules)
        try:
            lines = depgraph.dependencies(modules, table)
        except FormatError as error:
            return f"told: {error.message}"
        needed = [module.path for module in lines[1]]
        taken = [symbol for symbol, _ in bad.exports if symbol in ("one", "two")]
        if len(lines) != len(_GOOD) + 1 or (needed != ["a.ko"] and not taken):
            return f"lost: {needed}"
        if told:
            return "told: " + told[0]
        if _facts(bad) == _facts(parse_module("bad.ko", original)):
            return "unharmed"
        if _is_less(bad, parse_module("bad.ko", original)):
            return _loss(original, content)
        return "other words in it"


def _loss(original: bytes, content: bytes) -> str:
    # Other bytes in names and texts look as good as the right ones, and only the
    # fingerprint tells. Headers that lead elsewhere must be noticed.
    wide = original[4] == 2
    order = "<" if original[5] == 1 else ">"
    start, table = (64, 40) if wide else (52, 32)
    table = struct.unpack_from(order + ("Q" if wide else "I"), original, table)[0]
    if content[start:table] == original[start:table] and len(content) == len(original):
        return "silent: headers that lead elsewhere"
    return "other words in it"


def _quick_facts(
    content: bytes,
) -> tuple[tuple[list[object], ...], tuple[str, ...]]:
    try:
        bad = modulefacts.module_of("bad.ko", modulefacts.facts_of(content))
    except FormatError as error:
        return ([], []), (error.message,)
    return _facts(bad)[2:], tuple(bad.problems)


def _facts(module: Module) -> tuple[list[object], ...]:
    # An alias without a letter is no alias.
    aliases = [alias for alias in module.aliases if alias]
    softdeps = [softdep for softdep in module.softdeps if softdep]
    return list(module.exports), list(module.imports), aliases, softdeps


def _is_less(module: Module, whole: Module) -> bool:
    pairs = list(zip(_facts(module), _facts(whole), strict=True))
    if not any(crc for _, crc in whole.exports):
        # Without modversions nothing but __ksymtab_strings names them: a shorter list
        # looks as good as the whole one.
        del pairs[0]
    return any(len(one) < len(other) for one, other in pairs)


def _index_outcome(content: bytes) -> str:
    try:
        index = triereader.Index(content)
        for key in _KEYS:
            index.lookup(key)
            index.match(key)
        for _ in index.items():
            pass
    except FormatError as error:
        if error.code != "index-damaged":
            return f"crash: code {error.code}"
        return "told: " + error.message
    return "readable"


def _too_long(number: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"takes more than {MOST_S} s")
