"""modferry's fleet engine on the work that the script by hand does.

    ours.py HOSTS PORT USER KEY KNOWN_HOSTS FILE COMMAND [JOBS]

Its schedule, threads, connections, checks and journal; the command runs on a box as it
is, without the agent.
"""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from modferry.commands.journaling import Recorder
from modferry.core.address import parse_address
from modferry.core.profile import Profile
from modferry.core.results import Result
from modferry.errors import TransportError
from modferry.fleet.engines.base import Done
from modferry.fleet.engines.threads import ThreadEngine
from modferry.fleet.journal import Journal
from modferry.fleet.runner import Runner
from modferry.fleet.schedule import Policy, Schedule
from modferry.secrets import Secrets
from modferry.transport.opening import open_transport

hosts, port, user, key, known, file, command = sys.argv[1:8]
jobs = int(sys.argv[8]) if len(sys.argv) > 8 else None
content = Path(file).read_bytes()
profile = replace(Profile(), shell=f"{command}; echo . $?")


def work(host, _stop):
    url = f"ssh://{user}@{host}:{port}?identity={key}&known_hosts={known}"
    try:
        link = open_transport(parse_address(url), profile, secrets=Secrets())
        link.write(content)
        output = b""
        while b". 0\n" not in output:
            output += link.read(1.0)
        link.close()
    except TransportError as error:
        return Done(Result("bench", box=host, status=3, error=error))
    return Done(Result("bench", {"output": output.decode()}, box=host))


names = Path(hosts).read_text().split()
with tempfile.TemporaryDirectory() as folder:
    journal = Journal(Path(folder) / "journal")
    recorder = Recorder(journal, journal.begin("bench", sys.argv, names))
    engine = ThreadEngine(work, jobs)
    ended = Runner(Schedule(names, Policy()), engine, (recorder,)).run()
    journal.close()
print(sum(each.result.status == 0 for each in ended.values()), "of", len(names))
