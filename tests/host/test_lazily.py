"""A Python module that is loaded when something of it is used."""

from __future__ import annotations

import subprocess
import sys

PUT_OFF = "import sys; from modferry.transport.lazily import put_off\n"


def printed(script: str) -> str:
    """Return what an interpreter prints in which nothing is loaded yet."""
    return subprocess.check_output([sys.executable, "-c", script], text=True).strip()


def test_an_import_alone_loads_nothing():
    script = "put_off('zipapp'); import zipapp; import zipapp\nprint(zipapp.__dict__)"

    assert "create_archive" not in printed(PUT_OFF + script)


def test_a_use_is_the_real_modules():
    script = """put_off('zipapp'); import zipapp; zipapp.create_archive
from zipapp import create_archive
print(zipapp.create_archive is create_archive, sys.modules['zipapp'].__file__)"""

    same, _, file = printed(PUT_OFF + script).partition(" ")

    assert (same, file[-9:]) == ("True", "zipapp.py")


def test_what_is_loaded_stays():
    script = "put_off('zipapp'); print(hasattr(zipapp, 'main'), zipapp.__class__)"

    assert printed("import zipapp; " + PUT_OFF + script) == "True <class 'module'>"


def test_who_looks_whether_it_is_there_is_told_the_truth():
    script = """import importlib.util
put_off('zipapp')
put_off('nowhere')
print(importlib.util.find_spec('zipapp').name, importlib.util.find_spec('nowhere'))"""

    assert printed(PUT_OFF + script) == "zipapp None"


def test_paramiko_comes_without_invoke_until_a_match_asks_a_command():
    script = """import modferry.transport.ssh, paramiko, sys
before = [name for name in sys.modules if name.startswith('invoke.')]
text = 'Match exec true\\n  User jane\\n'
found = paramiko.SSHConfig.from_text(text).lookup('box')
print(before, found['user'])"""

    assert printed(script) == "[] jane"
