"""The fleet script one writes by hand: paramiko, 64 threads, 30 lines.

    byhand.py HOSTS PORT USER KEY KNOWN_HOSTS FILE COMMAND [THREADS]

HOSTS: a file of addresses.  FILE goes to the standard input of COMMAND on each.
"""

import socket
import sys
from concurrent.futures import ThreadPoolExecutor

import paramiko

hosts, port, user, key_file, known, file, command = sys.argv[1:8]
threads = int(sys.argv[8]) if len(sys.argv) > 8 else 64
key = paramiko.Ed25519Key.from_private_key_file(key_file)
host_keys = paramiko.HostKeys(known)
content = open(file, "rb").read()


def work(host):
    link = socket.create_connection((host, int(port)))
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    transport = paramiko.Transport(link)
    transport.banner_timeout = 60
    transport.start_client()
    name = f"[{host}]:{port}"
    if not host_keys.check(name, transport.get_remote_server_key()):
        raise SystemExit(f"{name}: another key")
    transport.auth_publickey(user, key)
    channel = transport.open_session()
    channel.exec_command(command)
    channel.sendall(content)
    channel.shutdown_write()
    output = channel.makefile("rb").read()
    status = channel.recv_exit_status()
    transport.close()
    return status, output


with ThreadPoolExecutor(threads) as pool:
    results = list(pool.map(work, open(hosts).read().split()))
print(sum(status == 0 for status, _ in results), "of", len(results))
