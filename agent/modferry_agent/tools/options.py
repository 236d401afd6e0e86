"""Command lines as the C library's getopt_long reads them, with its messages.

Options and operands may be mixed until ``--`` (not with POSIXLY_CORRECT), long options
may be cut while they stay unique, short ones may be grouped.

Source: getopt(3).
"""

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Iterable, Iterator, Sequence  # noqa: F401  # novermin

    # Long name, short letter or "", whether an argument follows.
    Table = Sequence[tuple[str, str, bool]]


class OptionError(Exception):
    """The command line is wrong; the message is getopt's, without the program."""


def parse(words, table):
    # type: (Sequence[str], Table) -> tuple[list[tuple[str, str]], list[str]]
    """Return ``(long name, argument or "")`` of each option, and the operands."""
    options = []  # type: list[tuple[str, str]]
    operands = []  # type: list[str]
    for name, argument in walk(words, table):
        if name:
            options.append((name, argument))
        else:
            operands.append(argument)
    return options, operands


def walk(words, table, whole=()):
    # type: (Sequence[str], Table, Iterable[str]) -> Iterator[tuple[str, str]]
    """Yield ``(long name, argument or "")`` of an option, ``("", operand)`` of others.

    What is wrong is raised when it is reached, so that what stands before it counts.

    whole: long names that may not be cut, nor make another one ambiguous
    """
    letters = dict([(row[1], row) for row in reversed(table) if row[1]])
    to_cut = [row for row in table if row[0] not in whole]
    rest = list(words)
    rest.reverse()
    only_operands = False
    while rest:
        word = rest.pop()
        if only_operands or word == "-" or not word.startswith("-"):
            if "POSIXLY_CORRECT" in os.environ:
                only_operands = True
            yield "", word
        elif word == "--":
            only_operands = True
        elif word.startswith("--"):
            yield _long(word[2:], table, to_cut, rest)
        else:
            for option in _short(word[1:], letters, rest):
                yield option


def _long(text, table, to_cut, rest):
    # type: (str, Table, Table, list[str]) -> tuple[str, str]
    name, equals, argument = text.partition("=")
    fitting = [row for row in table if row[0] == name]
    if not fitting:
        fitting = [row for row in to_cut if row[0].startswith(name)]
    if not fitting:
        raise OptionError("unrecognized option '--%s'" % text)
    # Two names of one option are not ambiguous.
    if len(set([row[1:3] for row in fitting])) > 1 or (
        len(fitting) > 1 and not fitting[0][1]
    ):
        shown = " ".join(["'--%s'" % row[0] for row in fitting])
        raise OptionError(
            "option '--%s' is ambiguous; possibilities: %s" % (text, shown)
        )
    whole, _letter, has_argument = fitting[0]
    if not has_argument:
        if equals:
            raise OptionError("option '--%s' doesn't allow an argument" % whole)
        return whole, ""
    if equals:
        return whole, argument
    if not rest:
        raise OptionError("option '--%s' requires an argument" % whole)
    return whole, rest.pop()


def _short(letters_given, letters, rest):
    # type: (str, dict[str, tuple[str, str, bool]], list[str]) -> Iterator[tuple[str, str]]
    for place, letter in enumerate(letters_given):
        row = letters.get(letter)
        if row is None:
            raise OptionError("invalid option -- '%s'" % letter)
        if not row[2]:
            yield row[0], ""
            continue
        argument = letters_given[place + 1 :]
        if not argument:
            if not rest:
                raise OptionError("option requires an argument -- '%s'" % letter)
            argument = rest.pop()
        yield row[0], argument
        break
