#!/usr/bin/env python3
"""Debian's docker-registry on loopback, storing below the given folder; prints its port."""
import signal, socket, subprocess, sys, time

folder = sys.argv[1]
with socket.socket() as s:
    s.bind(('127.0.0.1', 0))
    port = s.getsockname()[1]
with open(folder + '/registry.yml', 'w') as f:
    f.write(f'version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {folder}/data}}}}\n'
            f'http: {{addr: "127.0.0.1:{port}"}}\n')
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # so that what is below ends the registry too
child = subprocess.Popen(['docker-registry', 'serve', folder + '/registry.yml'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
for _ in range(100):
    try:
        socket.create_connection(('127.0.0.1', port), 1).close()
        print(port, flush=True)
        break
    except OSError:
        time.sleep(0.05)
try:
    sys.stdin.read()  # until whoever started this is gone
finally:
    child.terminate()
    child.wait()
