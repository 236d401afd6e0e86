"""The demo, as ``./deploy.sh demo`` runs it: it checks by itself what it claims."""

import pytest

from support.commands import modferry

pytestmark = [pytest.mark.practice_box, pytest.mark.slow]


@pytest.mark.usefixtures("practice_image")
def test_the_demo_is_true():
    ran = modferry("lab", "demo")

    assert ran.status == 0, ran.stderr[-4000:]
    assert ran.result["checks"] > 20
