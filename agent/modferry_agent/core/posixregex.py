"""POSIX extended regular expressions, for the kernel patterns of depmod.d.

Source: POSIX 9.4; kmod compiles them by regcomp(3) with REG_EXTENDED.
"""

_CLASSES = {
    "alpha": "a-zA-Z",
    "digit": "0-9",
    "alnum": "a-zA-Z0-9",
    "upper": "A-Z",
    "lower": "a-z",
    "space": " \\t\\n\\v\\f\\r",
    "blank": " \\t",
    "punct": "!-/:-@\\[-`{-~",
    "print": " -~",
    "graph": "!-~",
    "cntrl": "\\x00-\\x1f\\x7f",
    "xdigit": "0-9A-Fa-f",
}


def is_found(pattern, text):
    # type: (str, str) -> bool
    """Say whether the pattern occurs in the text; a pattern in error never does."""
    import re  # dear, and hardly any depmod.d has a pattern

    try:
        return re.search(_translated(pattern), text) is not None
    except (re.error, ValueError, OverflowError):
        return False


def _translated(pattern):
    # type: (str) -> str
    # The same expression in Python's syntax.
    pieces = []
    at = 0
    while at < len(pattern):
        letter = pattern[at]
        if letter == "[":
            piece, at = _translated_set(pattern, at)
            pieces.append(piece)
            continue
        if letter == "\\":
            at += 1
            if at == len(pattern):
                raise ValueError("a backslash at the end")
            pieces.append(_escaped(pattern[at]))
        elif letter in "^$.|()*+?{}":
            # Python gives "(?" and doubled repetitions meanings of their own.
            after = pieces[-1][-1:] if pieces else ""
            if letter == "?" and (after == "(" or not pieces):
                raise ValueError("nothing to repeat")
            if letter in "*+?" and after and pieces[-1] in ("*", "+", "?"):
                # Repeated repetition; two of a kind are one, two unlike ones are "*".
                pieces[-1] = letter if letter == pieces[-1] else "*"
            else:
                pieces.append("\\Z" if letter == "$" else letter)
        else:
            pieces.append(_escaped(letter))
        at += 1
    return "".join(pieces)


def _translated_set(pattern, at):
    # type: (str, int) -> tuple[str, int]
    # A bracket expression; a backslash in it is an ordinary character.
    start = at
    at += 1
    pieces = ["["]
    if pattern[at : at + 1] == "^":
        pieces.append("^")
        at += 1
    first = at
    while at < len(pattern):
        letter = pattern[at]
        if letter == "]" and at > first:
            return "".join(pieces) + "]", at + 1
        if pattern.startswith("[:", at):
            end = pattern.find(":]", at)
            name = pattern[at + 2 : end]
            if end < 0 or name not in _CLASSES:
                raise ValueError("unknown class in %s" % pattern[start:])
            pieces.append(_CLASSES[name])
            at = end + 2
            continue
        pieces.append("\\" + letter if letter in "\\[]^&~|" else letter)
        at += 1
    raise ValueError("a bracket without its end")


def _escaped(letter):
    # type: (str) -> str
    return "\\" + letter if letter in _SPECIAL else letter


_SPECIAL = "\\.^$*+?{}[]()|"
