"""A picture of a graph as SVG: text and shapes only, nothing that is fetched or run."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from xml.etree import ElementTree as ET

from modferry.report.document import Drawing, Edge, Kind, Node, shown
from modferry.report.layout import Places, placed

BOX = 26
ROW = 36
GAP = 54
MARGIN = 10
LETTER = 7.3
"""Pixels: a box's height, a row's, between columns, around all; a letter's width."""

MOST_LETTERS = 30


def svgs(drawings: Sequence[Drawing], prefix: str) -> list[str]:
    """Return each drawing as an ``svg`` element; what is in several has one place.

    prefix: begins the ids in them, which are unique in a page.
    """
    nodes = {node.name: node for drawing in drawings for node in drawing.nodes}
    pairs = [(edge.user, edge.owner) for drawing in drawings for edge in drawing.edges]
    places = placed(list(nodes), pairs)
    columns = _columns_of(list(nodes.values()), places)
    return [
        _svg(drawing, places, columns, f"{prefix}-{number}")
        for number, drawing in enumerate(drawings)
    ]


def _svg(
    drawing: Drawing,
    places: Places,
    columns: Sequence[tuple[float, float]],
    prefix: str,
) -> str:
    right = columns[-1][0] + columns[-1][1] if columns else 0.0
    width = right + MARGIN
    height = MARGIN * 2 + max(0.0, places.rows - 1) * ROW + BOX
    root = ET.Element(
        "svg",
        {
            "viewBox": f"0 0 {width:.0f} {height:.0f}",
            "width": f"{width:.0f}",
            "height": f"{height:.0f}",
            "role": "img",
            "aria-labelledby": f"{prefix}-title {prefix}-desc",
            "class": "graph",
        },
    )
    ET.SubElement(root, "title", {"id": f"{prefix}-title"}).text = shown(drawing.title)
    described = ET.SubElement(root, "desc", {"id": f"{prefix}-desc"})
    described.text = shown(_in_words(drawing))
    _arrow_heads(root, prefix)
    numbers = {node.name: number for number, node in enumerate(drawing.nodes)}
    for edge in drawing.edges:
        if {edge.user, edge.owner} <= numbers.keys() and edge.user != edge.owner:
            _draw_edge(root, edge, places, columns, prefix, numbers)
    for node in drawing.nodes:
        _draw_node(root, node, places, columns, numbers)
    return ET.tostring(root, encoding="unicode")


def _in_words(drawing: Drawing) -> str:
    labels = {node.name: node.label for node in drawing.nodes}
    marked = [edge for edge in drawing.edges if edge.kind is not Kind.PLAIN]
    texts = [
        f"{labels.get(edge.user, edge.user)} to {labels.get(edge.owner, edge.owner)}"
        f" ({edge.note or edge.kind})"
        for edge in marked
    ]
    count = f"{len(drawing.nodes)} modules, {len(drawing.edges)} arrows"
    return count + (": " + "; ".join(texts) if texts else "")


# Of each column: where it begins, and how wide its boxes are.
def _columns_of(nodes: Sequence[Node], places: Places) -> list[tuple[float, float]]:
    widest = [0.0] * places.columns
    for node in nodes:
        at = places.nodes[node.name][0]
        widest[at] = max(widest[at], len(_label(node)) * LETTER + 20)
    found: list[tuple[float, float]] = []
    left = float(MARGIN)
    for width in widest:
        found.append((left, width))
        left += width + GAP
    return found


def _label(node: Node) -> str:
    label = shown(node.label)
    if len(label) <= MOST_LETTERS:
        return label
    return label[: MOST_LETTERS // 2] + "…" + label[-MOST_LETTERS // 2 + 1 :]


def _arrow_heads(root: ET.Element, prefix: str) -> None:
    definitions = ET.SubElement(root, "defs")
    for kind in Kind:
        head = ET.SubElement(
            definitions,
            "marker",
            {
                "id": f"{prefix}-head-{kind}",
                "viewBox": "0 0 8 8",
                "refX": "7",
                "refY": "4",
                "markerWidth": "7",
                "markerHeight": "7",
                "orient": "auto-start-reverse",
            },
        )
        ET.SubElement(head, "path", {"d": "M0 0L8 4L0 8z", "class": f"head {kind}"})


def _draw_edge(  # noqa: PLR0913, PLR0917 - where it begins, ends and passes
    root: ET.Element,
    edge: Edge,
    places: Places,
    columns: Sequence[tuple[float, float]],
    prefix: str,
    numbers: dict[str, int],
) -> None:
    chain = places.edges[edge.user, edge.owner]
    forward = chain[-1][0] >= chain[0][0]
    points: list[tuple[float, float]] = []
    for index, (column, row) in enumerate(chain):
        left, width = columns[column]
        y = MARGIN + row * ROW + BOX / 2
        if index not in (0, len(chain) - 1):
            # Straight through the column, between the boxes.
            ends = (left, left + width) if forward else (left + width, left)
            points += [(x, y) for x in ends]
        elif (index == 0) == forward:
            points.append((left + width, y))
        else:
            points.append((left, y))
    path = [f"M{points[0][0]:.1f} {points[0][1]:.1f}"]
    for (x, y), (to_x, to_y) in pairwise(points):
        middle = (x + to_x) / 2
        path.append(
            f"C{middle:.1f} {y:.1f} {middle:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"
        )
    line = ET.SubElement(
        root,
        "path",
        {
            "d": "".join(path),
            "class": f"edge {edge.kind}",
            "marker-end": f"url(#{prefix}-head-{edge.kind})",
            "data-ends": f"{numbers[edge.user]} {numbers[edge.owner]}",
        },
    )
    if edge.note:
        ET.SubElement(line, "title").text = shown(edge.note)


def _draw_node(
    root: ET.Element,
    node: Node,
    places: Places,
    columns: Sequence[tuple[float, float]],
    numbers: dict[str, int],
) -> None:
    column, row = places.nodes[node.name]
    left, width = columns[column]
    top = MARGIN + row * ROW
    group = ET.SubElement(
        root,
        "g",
        {
            "class": f"node {node.kind}" + (" link" if node.is_link else ""),
            "data-node": str(numbers[node.name]),
            "data-label": shown(node.label),
        },
    )
    words = ET.SubElement(group, "title")
    words.text = shown(f"{node.label}: {node.note}" if node.note else node.label)
    ET.SubElement(
        group,
        "rect",
        {
            "x": f"{left:.1f}",
            "y": f"{top:.1f}",
            "width": f"{width:.1f}",
            "height": str(BOX),
            "rx": "6",
        },
    )
    text = ET.SubElement(
        group,
        "text",
        {"x": f"{left + width / 2:.1f}", "y": f"{top + BOX / 2 + 4:.1f}"},
    )
    text.text = _label(node)
