"""The same work with parallel-ssh (libssh2), which pushes the file over SFTP."""

import sys

from gevent import joinall
from pssh.clients import ParallelSSHClient

hosts, port, user, key, _known, file, _command = sys.argv[1:8]
names = open(hosts).read().split()
client = ParallelSSHClient(names, port=int(port), user=user, pkey=key, pool_size=64)
joinall(client.copy_file(file, "/dev/shm/bench-pssh", copy_args=None), raise_error=True)
output = client.run_command("sha256sum /dev/shm/bench-pssh; sleep 0.05")
client.join(output)
print(sum(each.exit_code == 0 for each in output), "of", len(names))
