"""The page: whole, escaped, and with pictures whose boxes do not touch."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree import ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st

from modferry.report.document import Document, Drawing, Edge, Graph, Log, Node, shown
from modferry.report.graph import svgs
from modferry.report.html import page
from modferry.report.layout import placed
from support.pages import HOSTILE, document

NAMES = [f"m{number}" for number in range(9)]
PAIRS = st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), max_size=30)
URLS = ("src", "href", "action", "data", "poster", "srcset", "xlink:href", "style")


class Seen(HTMLParser):
    """The elements of a page and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def test_a_name_that_is_markup_is_text():
    seen = Seen(page(document()))

    assert [tag for tag, _ in seen.tags].count("script") == 1
    assert "img" not in [tag for tag, _ in seen.tags]
    assert seen.text.count(HOSTILE) >= 5


@settings(deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=()), max_size=40))
def test_no_text_adds_an_element(text):
    plain = Seen(page(_with("x")))
    other = Seen(page(_with(text)))

    assert [tag for tag, _ in other.tags] == [tag for tag, _ in plain.tags]
    assert shown(text) in other.text.replace("\r\n", "\n")


def _with(text: str) -> Document:
    drawing = Drawing(text, [Node("a", text, note=text)], [])
    return Document(text, text, sections=[Graph(text, [drawing]), Log(text, [text])])


def test_nothing_is_fetched():
    seen = Seen(page(document()))

    links = [
        value
        for _tag, attributes in seen.tags
        for name, value in attributes.items()
        if name in URLS
    ]
    assert [link for link in links if not str(link).startswith(("#", "data:,"))] == []


def test_the_page_lets_no_other_script_run():
    text = page(document())

    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_control_characters_and_turned_writing_are_shown():
    text = page(document())

    assert "a\\x1b[31mb\\x00" in text
    assert "a\\u202eb" in text
    assert "c\\xff" in text


def test_every_id_stands_once_and_each_reference_has_one():
    seen = Seen(page(document()))

    ids = [attributes["id"] for _, attributes in seen.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _tag, attributes in seen.tags:
        for name in ("for", "aria-labelledby", "aria-controls"):
            for word in (attributes.get(name) or "").split():
                assert word in ids


def test_what_is_in_two_drawings_has_one_place():
    one = Drawing("1", [Node("a", "a"), Node("b", "b")], [Edge("a", "b")])
    two = Drawing("2", [Node("c", "c"), *one.nodes], [Edge("c", "a"), Edge("c", "b")])

    pictures = [ET.fromstring(text) for text in svgs([one, two], "g")]

    places = [
        {
            group.attrib["data-label"]: (rect.attrib["x"], rect.attrib["y"])
            for group in picture.iter("g")
            for rect in group.iter("rect")
        }
        for picture in pictures
    ]
    assert {name: places[1][name] for name in "ab"} == places[0]


@settings(deadline=None)
@given(PAIRS)
def test_boxes_of_a_column_keep_their_distance(pairs):
    places = placed(NAMES, pairs)

    columns: dict[int, list[float]] = {}
    for column, row in places.nodes.values():
        columns.setdefault(column, []).append(row)
    for rows in columns.values():
        for above, below in pairwise(sorted(rows)):
            assert below - above >= 1 - 1e-6


@settings(deadline=None)
@given(PAIRS)
def test_who_needs_stands_left_of_what_is_needed(pairs):
    acyclic = [(a, b) for a, b in pairs if a < b]

    places = placed(NAMES, acyclic)

    for user, owner in acyclic:
        assert places.nodes[user][0] < places.nodes[owner][0]
        assert places.edges[user, owner][0] == places.nodes[user]
        assert places.edges[user, owner][-1] == places.nodes[owner]
