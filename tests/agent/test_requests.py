"""The table of requests."""

from __future__ import annotations

import inspect

import pytest

from modferry_agent.errors import RequestError
from modferry_agent.requests import REQUIRED, TABLE, TIME_LIMIT_S


@pytest.mark.parametrize("name", TABLE)
def test_the_function_takes_just_the_arguments_of_its_row(name):
    request = TABLE[name]
    parameters = dict(inspect.signature(request.resolve()).parameters)
    parameters.pop("context", None)

    missing = set(request.arguments) - set(parameters)
    required = {
        key for key, p in parameters.items() if p.default is inspect.Parameter.empty
    }

    assert not missing
    assert required <= set(request.arguments)


@pytest.mark.parametrize("name", TABLE)
def test_a_default_of_the_row_is_the_functions(name):
    request = TABLE[name]
    parameters = inspect.signature(request.resolve()).parameters

    for key, (_, default) in request.arguments.items():
        if default is not REQUIRED:
            assert parameters[key].default == default, key


@pytest.mark.parametrize("name", TABLE)
def test_every_row_has_a_time_limit(name):
    assert TABLE[name].time_class in TIME_LIMIT_S


def test_arguments_are_checked_and_filled_in():
    got = TABLE["depmod"].check("depmod", {"release": b"6.1", "dry_run": True})

    assert got["release"] == "6.1"
    assert got["dry_run"] is True
    assert got["basedir"] == ""


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("depmod", {"nonsense": 1}),
        ("depmod", {"release": 5}),
        ("depmod", {"dry_run": 1}),
        ("klog", {"since": True}),
        ("load", {}),
    ],
)
def test_wrong_arguments_are_a_request_error(name, given):
    with pytest.raises(RequestError):
        TABLE[name].check(name, given)
