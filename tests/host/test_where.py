"""Conditions over facts: what they mean, and that nothing else is one."""

import pytest

from modferry.core.where import fact_names, parse_where
from modferry.errors import UsageError
from support.fakesession import FACTS

OLD = FACTS | {
    "kmod": "kmod version 9",
    "release": "2.6.32-5-686",
    "module_tree": {**FACTS["module_tree"], "links": 12, "index": "stale"},
    "distribution": None,
}


def holds(text, facts=FACTS):
    return parse_where(text)(fact_names(facts))


@pytest.mark.parametrize(
    ("text", "of_new", "of_old"),
    [
        ("kmod < 18 and links > 0", False, True),
        ("kmod >= 18 or links == 12", True, True),
        ("not kmod < 18", True, False),
        ("index == 'stale'", False, True),
        ("index in ['stale', 'none']", False, True),
        ("release < '2.6.100'", False, True),
        ("release >= '6.1.0-3'", True, False),
        ("'bookworm' in distribution", True, False),
        ("10 < modules <= 151", True, True),
        ("module_tree.links > 5", False, True),
        ("distribution == null", False, True),
        ("distribution < 'Z'", True, False),
        ("modules_disabled == false", True, True),
        ("kmod > -1", True, True),
    ],
)
def test_a_condition_holds_or_not(text, of_new, of_old):
    assert (holds(text), holds(text, OLD)) == (of_new, of_old)


@pytest.mark.parametrize(
    "text",
    [
        "", "kmod <", "__import__('os').system('x')", "kmod.__class__()",
        "[x for x in [1]]", "(lambda: 1)()", "kmod + 1 > 2", "links is None",
        "f'{kmod}'",
        "kmod if links else 1", "{}", "x := 1", "links[0] > 1", "1" * 5000,
        "(" * 900 + "1" + ")" * 900,
    ],
)  # fmt: skip
def test_what_is_no_condition_is_refused(text):
    with pytest.raises(UsageError, match="is no condition"):
        parse_where(text)


def test_an_unknown_name_tells_a_near_one():
    with pytest.raises(UsageError, match='no fact "link"') as caught:
        holds("link > 0")

    assert caught.value.next_step == 'did you mean "links"?'
