#!/usr/bin/env python3
"""An apk repository on loopback for test_fetch: the files of DIR/www on two ports, with ETags.

/.log gives the requests since it was last asked for. A file PATH.status holds the status that PATH answers with;
DIR/no-etag switches ETags off.
"""
import hashlib, http.server, os, sys, threading

folder = sys.argv[1]
root = os.path.join(folder, 'www')
os.makedirs(root)
lock, log = threading.Lock(), []


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *_):
        pass

    def answer(self, status, body, etag=None):
        self.send_response(status)
        self.send_header('Content-Length', str(len(body)))
        if etag:
            self.send_header('ETag', f'"{etag}"')
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(body)

    def do_GET(self):
        with lock:
            if self.path == '/.log':
                body = '\n'.join(sorted(log)).encode()
                log.clear()
                return self.answer(200, body)
            log.append(f'{self.command} {self.path}')
        path = os.path.normpath(root + self.path)
        if os.path.exists(path + '.status'):
            with open(path + '.status') as f:
                return self.answer(int(f.read()), b'')
        if not path.startswith(root + '/') or not os.path.isfile(path):
            return self.answer(404, b'')
        with open(path, 'rb') as f:
            body = f.read()
        no_etag = os.path.exists(os.path.join(folder, 'no-etag'))
        self.answer(200, body, None if no_etag else hashlib.sha256(body).hexdigest()[:32])

    do_HEAD = do_GET


servers = [http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler) for _ in range(2)]
for s in servers:
    threading.Thread(target=s.serve_forever, daemon=True).start()
print(*(s.server_address[1] for s in servers), flush=True)
sys.stdin.read()
