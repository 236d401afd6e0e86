"""A document with everything a page can show, hostile names among it."""

from __future__ import annotations

from modferry.report.document import (
    Cell,
    Document,
    Drawing,
    Edge,
    Graph,
    Kind,
    Log,
    Node,
    Prose,
    Table,
)

HOSTILE = "<script>alert(1)</script>"
LOG_LINE = "<img src=http://127.0.0.1:9/x onerror=alert(2)> rtai_sem: Unknown symbol"
USERS = ("rtai_sem.ko", "rtai_mbx.ko", HOSTILE)


def document() -> Document:
    """Return the document."""
    owner = Node("rtai_sched.ko", "rtai_sched.ko")
    link = Node("rtai_ksched.ko", "rtai_ksched.ko", Kind.DOUBT, "a link", is_link=True)
    before = [Edge(user, owner.name) for user in USERS]
    after = [Edge(user, owner.name, Kind.BAD, "lost") for user in USERS]
    return Document(
        title=f"saw3: {HOSTILE}",
        verdict=f"{len(USERS)} modules break, {HOSTILE} among them",
        kind=Kind.BAD,
        summary="a\u202eb",
        facts=[("Kernel", "2.6.32-5-686"), (HOSTILE, HOSTILE)],
        sections=[
            Table(
                "Modules",
                ("Module", "Had"),
                [(Cell(user, Kind.BAD), "rtai_sched.ko") for user in USERS],
            ),
            Graph(
                "Before and after",
                [
                    Drawing("Before", [*map(_node, USERS), owner], before),
                    Drawing(
                        "After",
                        [*map(_node, USERS), owner, link],
                        [*after, Edge(link.name, owner.name, Kind.DOUBT)],
                    ),
                ],
                [(Kind.BAD, "lost")],
            ),
            Log("Kernel", [LOG_LINE, "a\x1b[31mb\x00", "c\udcff"]),
            Prose("Next", ["modferry repair aliases"]),
            Table(HOSTILE, ("a", "b"), []),
        ],
        made="modferry",
    )


def _node(name: str) -> Node:
    return Node(name, name, Kind.BAD, "it breaks")
