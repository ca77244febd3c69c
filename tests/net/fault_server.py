#!/usr/bin/env python3
"""A server on loopback that misbehaves on request, for test_http.

Prints three ports: two of http (two origins) and one of https, whose throw-away CA is written to DIR/ca.pem.
The path says what happens; a query `id` keeps the counts of two tests apart.

  /bytes/N              N bytes with ETag and ranges      /echo         the request, as text
  /cut/T/N              the first T answers are cut half  /log/NAME     what /note/NAME saw
  /cutbare/T/N          the same without ETag and ranges  /note/NAME    notes the request under NAME
  /cutchange/T/N        the same, and then another file   /redirect/S?to=URL&note=NAME
  /status/S/T/N[?after=] the first T answers are status S /hang /drip/body /drip/head /bighead /endless /part
  /hops/N  N + 1 redirects to /bytes/10
  /weird/KIND           see weird()                       /slow/N       after 300 ms
  /refuse/WORDS         403 that quotes the request
  /sts/exchange         a token for "Bearer theirs"       CONNECT       to the https port, whatever the name
"""
import hashlib, http.server, os, socket, ssl, subprocess, sys, threading, time, urllib.parse

folder = sys.argv[1]
lock, counts, notes = threading.Lock(), {}, {}


def content(n, seed=0):
    block = bytes((i * 7 + seed + i // 251) & 0xff for i in range(1 << 16))
    return (block * (n // len(block) + 1))[:n]


def nth(key):
    with lock:
        counts[key] = counts.get(key, 0) + 1
        return counts[key]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *_):
        pass

    def body(self):
        if 'chunked' in self.headers.get('Transfer-Encoding', ''):
            out = b''
            while n := int(self.rfile.readline(), 16):
                out += self.rfile.read(n)
                self.rfile.readline()
            self.rfile.readline()
            return out
        return self.rfile.read(int(self.headers.get('Content-Length') or 0))

    def text(self, request_body):
        lines = [f'{self.command} {self.path}'] + [f'{k.lower()}: {v}' for k, v in self.headers.items()]
        return '\n'.join(lines + [f'body: {len(request_body)} {hashlib.sha256(request_body).hexdigest()}', ''])

    def answer(self, status, headers=(), body=b''):
        self.send_response(status)
        for k, v in headers:
            self.send_header(k, v)
        if status >= 200 and status != 304:
            self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(body)

    def file(self, data, cut=False, bare=False):
        tag, start = '"' + hashlib.sha256(data).hexdigest()[:16] + '"', 0
        wanted, condition = self.headers.get('Range'), self.headers.get('If-Range')
        if wanted and not bare and condition in (None, tag):
            start = int(wanted[6:-1])
        if start and start >= len(data):
            return self.answer(416)
        self.send_response(206 if start else 200)
        if start:
            self.send_header('Content-Range', f'bytes {start}-{len(data) - 1}/{len(data)}')
        if not bare:
            self.send_header('ETag', tag)
        self.send_header('Content-Length', str(len(data) - start))
        self.end_headers()
        rest = data[start:]
        if self.command == 'HEAD':
            return
        if cut:
            self.wfile.write(rest[:len(rest) // 2])
            self.wfile.flush()
            self.close_connection = True
            return
        self.wfile.write(rest)

    def drip(self, data):
        for b in data:
            self.wfile.write(bytes([b]))
            self.wfile.flush()
            time.sleep(0.02)

    def weird(self, kind):
        if kind == 'part':
            self.answer(206, [('Content-Range', 'bytes 0-4/10')], b'01234')
        elif kind == 'unchanged':
            self.answer(304)
        elif kind == 'length':
            self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\nabc')
            self.close_connection = True
        elif kind == 'gzip':
            self.answer(200, [('Content-Encoding', 'gzip')], b'\x1f\x8bnot really')
        elif kind == 'status':
            self.wfile.write(b'HTTP/1.1 9 x\r\nContent-Length: 0\r\n\r\n')
            self.close_connection = True
        elif kind == 'garbage':
            self.wfile.write(b'SSH-2.0-nothing of yours\r\n\r\n')
            self.close_connection = True
        elif kind == 'nowhere':
            self.answer(302)
        elif kind == 'file':
            self.answer(302, [('Location', 'file:///etc/passwd')])
        elif kind == 'wrongrange':  # cut first, then the wrong rest
            data = content(200000)
            if self.headers.get('Range'):
                self.answer(206, [('Content-Range', 'bytes 5-199999/200000')], data[5:])
            else:
                self.file(data, cut=nth(self.path) == 1)

    def handle_any(self):
        try:
            self.route()
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self.close_connection = True

    def route(self):
        url = urllib.parse.urlparse(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        part = url.path.strip('/').split('/')
        number = [int(p) if p.isdigit() else 0 for p in part] + [0, 0, 0]
        request_body = self.body()
        if 'note' in query or part[0] == 'note':
            with lock:
                notes.setdefault(query.get('note') or part[1], []).append(self.text(request_body))
        kind = part[0]
        if kind == 'bytes':
            self.file(content(number[1]))
        elif kind in ('cut', 'cutbare', 'cutchange'):
            n = nth(self.path)
            changed = kind == 'cutchange' and n > 1
            self.file(content(number[2], 1 if changed else 0), cut=n <= number[1], bare=kind == 'cutbare')
        elif kind == 'status':
            headers = [('Retry-After', query['after'])] if 'after' in query else []
            if nth(self.path) <= number[2]:
                return self.answer(number[1], headers, b'the text of a failure')
            self.file(content(number[3]))
        elif kind == 'refuse':
            self.answer(403, [], self.text(request_body).encode())
        elif kind == 'echo':
            self.answer(200, [], self.text(request_body).encode())
        elif kind == 'note':
            self.answer(200, [], b'noted')
        elif kind == 'log':
            self.answer(200, [], '\n'.join(notes.get(part[1], [])).encode())
        elif kind == 'redirect':
            self.answer(number[1], [('Location', query['to'])], b'x' * 1000)
        elif kind == 'hops':
            self.answer(302, [('Location', f'/hops/{number[1] - 1}' if number[1] else '/bytes/10')])
        elif kind == 'hang':
            time.sleep(30)
        elif kind == 'slow':
            time.sleep(0.3)
            self.file(content(number[1]))
        elif kind == 'drip' and part[1] == 'body':
            self.wfile.write(b'HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n')
            self.drip(content(100000))
        elif kind == 'drip':
            self.drip(b'HTTP/1.1 200 OK\r\n' + b'X: y\r\n' * 100000)
        elif kind == 'bighead':
            self.answer(200, [(f'X-{i}', 'y' * 1000) for i in range(90)], b'')
        elif kind == 'endless':
            self.wfile.write(b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
            while True:
                self.wfile.write(b'10000\r\n' + bytes(65536) + b'\r\n')
        elif kind == 'weird':
            self.weird(part[1])
        elif kind == 'sts':
            known = self.headers.get('Authorization') == 'Bearer theirs' and request_body == b'aud=apk.cgr.dev&identity=who%2Fami'
            self.answer(200 if known else 403, [], b'{"token": "ours"}')
        elif kind == 'computeMetadata':
            self.answer(200 if self.headers.get('Metadata-Flavor') == 'Google' else 403, [], b'theirs')
        else:
            self.answer(404, [], b'no such page')

    def do_CONNECT(self):
        with lock:
            notes.setdefault('connect', []).append(self.text(b''))
        up = socket.create_connection(('127.0.0.1', https))
        self.connection.sendall(b'HTTP/1.1 200 OK\r\n\r\n')
        threading.Thread(target=pump, args=(up, self.connection), daemon=True).start()
        pump(self.connection, up)
        self.close_connection = True

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = handle_any


def pump(a, b):
    try:
        while data := a.recv(65536):
            b.sendall(data)
    except OSError:
        pass
    for s in (a, b):
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def certificate():
    def run(*a):
        subprocess.run(['openssl', *a], check=True, capture_output=True, cwd=folder)
    run('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=test CA', '-keyout', 'ca.key', '-out', 'ca.pem')
    run('req', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=server', '-keyout', 'server.key', '-out', 'server.csr')
    with open(folder + '/ext', 'w') as f:
        f.write('subjectAltName=DNS:localhost,DNS:apk.cgr.dev,DNS:issuer.enforce.dev,DNS:example.test,IP:127.0.0.1\n')
    run('x509', '-req', '-in', 'server.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'ext', '-out', 'server.pem')


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


def serve(tls):
    s = Server(('127.0.0.1', 0), Handler)
    if tls:
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ctx.load_cert_chain(folder + '/server.pem', folder + '/server.key')
        s.socket = ctx.wrap_socket(s.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=s.serve_forever, daemon=True).start()
    return s.server_address[1]


certificate()
https = serve(True)
print(serve(False), serve(False), https, flush=True)
sys.stdin.read()  # until whoever started this is gone
