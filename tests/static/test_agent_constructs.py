"""What vermin does not see: constructs and imports that an old Python lacks."""

import ast
import io
import sys
import tokenize
from pathlib import Path

import pytest

AGENT = Path(__file__).resolve().parents[2] / "agent" / "modferry_agent"
SOURCES = sorted(AGENT.rglob("*.py"))

STANDARD = sys.stdlib_module_names | {"modferry_agent"}

# Absent from the python-minimal of Debian 6 and 7, or of every Debian (ctypes), or
# gone from today's Python: to be imported inside a function, with a way to do without.
NOT_AT_IMPORT = frozenset(
    {
        "argparse", "asyncio", "bisect", "bz2", "contextlib", "ctypes", "datetime",
        "gzip", "heapq", "io", "json", "lzma", "mmap", "shlex", "shutil", "threading",
        "typing", "zlib",
    }
)  # fmt: skip
GONE = frozenset({"asynchat", "asyncore", "commands", "distutils", "pipes"})
# Of older Pythons, or of newer ones: imported where ImportError is caught.
OTHERS = frozenset({"__builtin__", "compression", "imp"})


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), str(path))


def at_import(tree: ast.Module):
    """Yield the nodes that run when the file is imported."""
    waiting = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.Lambda) or is_type_checking(node):
            continue
        yield node
        waiting.extend(ast.iter_child_nodes(node))


def is_type_checking(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.If)
        and isinstance(node.test, ast.Name)
        and node.test.id == "TYPE_CHECKING"
    )


def imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name.partition(".")[0] for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [(node.module or "").partition(".")[0]]
    return []


@pytest.fixture(params=SOURCES, ids=[str(p.relative_to(AGENT)) for p in SOURCES])
def source(request) -> Path:
    return request.param


def test_only_the_standard_library_is_imported(source):
    names = {name for node in ast.walk(parsed(source)) for name in imported(node)}

    assert names - STANDARD - OTHERS == set()
    assert names & GONE == set()


def test_what_a_minimal_python_lacks_is_not_imported_at_once(source):
    names = {name for node in at_import(parsed(source)) for name in imported(node)}

    assert names & NOT_AT_IMPORT == set()


def test_no_syntax_that_3_0_to_3_2_or_2_6_refuse(source):
    found = []
    with tokenize.open(source) as stream:
        text = stream.read()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.STRING:
            prefix = token.string[: token.string.index(token.string[-1])].lower()
            if set(prefix) & set("uf") or prefix == "rb":
                found.append((token.start[0], token.string[:20]))

    assert found == []


def test_no_call_that_2_6_cannot_make(source):
    found = []
    for node in ast.walk(parsed(source)):
        if isinstance(node, ast.Set | ast.SetComp | ast.DictComp | ast.Starred):
            if isinstance(node, ast.Starred):
                continue
            found.append((node.lineno, "set literal or comprehension"))
        if isinstance(node, ast.With) and len(node.items) > 1:
            found.append((node.lineno, "two managers in one with"))
        if isinstance(node, ast.With) and "ZipFile" in ast.unparse(node.items[0]):
            found.append((node.lineno, "with ZipFile, from 2.7 on"))
        if isinstance(node, ast.Call) and is_thousands(node):
            found.append((node.lineno, 'format(n, ","), from 2.7 on'))
        if isinstance(node, ast.FunctionDef) and node.args.kwonlyargs:
            found.append((node.lineno, "keyword-only arguments"))
        if isinstance(node, ast.Raise) and node.cause is not None:
            found.append((node.lineno, "raise ... from"))

    assert found == []


def is_thousands(node: ast.Call) -> bool:
    named = isinstance(node.func, ast.Name) and node.func.id == "format"
    return named and any(
        isinstance(arg, ast.Constant) and "," in str(arg.value) for arg in node.args
    )


def test_no_percent_on_bytes_which_3_0_to_3_4_lack(source):
    found = [
        node.lineno
        for node in ast.walk(parsed(source))
        if isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Mod)
        and isinstance(node.left, ast.Constant)
        and isinstance(node.left.value, bytes)
    ]

    assert found == []
