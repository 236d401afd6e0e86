"""The same script with asyncssh; arguments as byhand.py's."""

import asyncio
import sys

import asyncssh

hosts, port, user, key, known, file, command = sys.argv[1:8]
content = open(file, "rb").read()


async def work(host, gate):
    async with gate, asyncssh.connect(
        host, int(port), username=user, client_keys=[key], known_hosts=known,
        config=None, agent_path=None,
    ) as link:  # fmt: skip
        return (await link.run(command, input=content, encoding=None)).exit_status


async def main():
    gate = asyncio.Semaphore(64)
    names = open(hosts).read().split()
    found = await asyncio.gather(*(work(name, gate) for name in names))
    print(sum(status == 0 for status in found), "of", len(names))


asyncio.run(main())
