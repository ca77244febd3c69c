#!/usr/bin/env python3
"""A registry on loopback, as difficult as the test at hand asks for.

Prints three ports: http, https, and a CONNECT proxy that leads every name to the https one, so that it can stand for
any registry and any token server (its throw-away CA is DIR/ca.pem). GET /_set?NAME=VALUE&... forgets everything and
sets options, /_change sets them only; GET /_log gives one line a request: METHOD HOST PATH STATUS AUTHORIZATION RANGE.

  auth=none|basic|bearer  credentials user:secret    ttl=SECONDS      tokens live for so long
  realm=URL               instead of the own /token  scope=1          the challenge names the scope
  oauth=1                 POST /token takes the refresh token "refresh"
  fail=N limit=N          every Nth request is 503, or 429 with Retry-After: 0
  cut=N                   every Nth upload body of LARGE bytes and more is taken in half, then the connection closes
  cutdown=N               every Nth blob is sent half     resume=0    upload status is not answered
  location=URL            where uploads are sent          nomount=1   mounting is refused
  referrers=1             keeps referrers itself
  lie=1                   manifests are other bytes       liehead=1   and HEAD names another digest
  kind=TEXT               Content-Type of manifests       big=1       blobs are longer than they should be
  redirect=URL            blobs are there
"""
import base64, hashlib, http.server, json, os, re, secrets, socket, ssl, subprocess, sys, threading, time, urllib.parse

folder = sys.argv[1]
NAMES = ['localhost', 'reg.example.com', 'other.example.com', 'token.example.com', 'evil.example.net', 'index.docker.io',
         'auth.docker.io', 'blobs.example.org', 'a.co.uk', 'b.co.uk']
LARGE = 100000
lock = threading.RLock()
EMPTY = dict(blobs={}, manifests={}, tags={}, uploads={}, tokens={}, referrers={}, counts={}, log=[], options={})
state = {}


def reset(options):
    with lock:
        state.clear()
        state.update(json.loads(json.dumps(EMPTY)))
        state['options'] = options


reset({})


def option(name):
    v = state['options'].get(name, '')
    return int(v) if v.isdigit() else v


def nth(kind):
    with lock:
        n = state['counts'][kind] = state['counts'].get(kind, 0) + 1
        return bool(option(kind)) and n % option(kind) == 0


def digest(b):
    return 'sha256:' + hashlib.sha256(b).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *_):
        pass

    def note(self, status):
        with lock:
            state['log'].append(' '.join([self.command, self.headers.get('Host', '-'), self.path, str(status),
                                          self.headers.get('Authorization', '-').replace(' ', '_'),
                                          self.headers.get('Content-Range', '-')]))

    def answer(self, status, headers=(), body=b''):
        self.note(status)
        self.send_response(status)
        for k, v in headers:
            self.send_header(k, v)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(body)

    def error(self, status, code, headers=()):
        self.answer(status, headers, json.dumps({'errors': [{'code': code, 'message': 'about ' + code.lower()}]}).encode())

    def close(self):
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def scheme(self):
        return 'https' if isinstance(self.connection, ssl.SSLSocket) else 'http'

    def token(self, query):
        known = self.headers.get('Authorization') == 'Basic ' + base64.b64encode(b'user:secret').decode()
        scopes = query.get('scope', [])
        refresh = None
        if self.command == 'POST':
            form = urllib.parse.parse_qs(self.rest().decode())
            if not option('oauth'):
                return self.error(404, 'NOT_FOUND')
            known = form.get('refresh_token') == ['refresh']
            scopes, refresh = form.get('scope', [''])[0].split(), 'refresh'
        if not known and not option('anonymous'):
            return self.error(401, 'UNAUTHORIZED')
        t = 'token-' + secrets.token_hex(4)
        with lock:
            state['tokens'][t] = (time.time() + float(state['options'].get('ttl') or 300), scopes)
        self.answer(200, [('Content-Type', 'application/json')], json.dumps({'token': t, 'refresh_token': refresh}).encode())

    def allowed(self):
        kind, got = option('auth') or 'none', self.headers.get('Authorization', '')
        if kind == 'none':
            return True
        if kind == 'basic':
            ok, challenge = got == 'Basic ' + base64.b64encode(b'user:secret').decode(), 'Negotiate, Basic realm="x, y"'
        else:
            m = re.match(r'/v2/(.+)/(?:blobs|manifests|referrers)/', self.path)
            want = f'repository:{m.group(1)}:' if m else ''
            end, scopes = state['tokens'].get(got.removeprefix('Bearer '), (0, []))
            ok = end > time.time() and (not want or any(s.startswith(want) for s in scopes))
            realm = option('realm') or f'{self.scheme()}://{self.headers["Host"]}/token'
            challenge = f'Bearer realm="{realm}",service="the registry"'
            if m and option('scope'):
                challenge += f',scope="{want}pull,push"'
        if not ok:
            self.rest()
            self.error(401, 'UNAUTHORIZED', [('WWW-Authenticate', challenge)])
        return ok

    def rest(self):
        return self.rfile.read(int(self.headers.get('Content-Length') or 0))

    def handle_any(self):
        try:
            self.route()
        except (BrokenPipeError, ConnectionResetError, ssl.SSLError, OSError):
            self.close_connection = True

    def route(self):
        url = urllib.parse.urlparse(self.path)
        query = urllib.parse.parse_qs(url.query)
        path = url.path
        if path == '/_set':
            reset({k: v[0] for k, v in query.items()})
            return self.plain(b'set')
        if path == '/_change':
            with lock:
                state['options'] = {k: v[0] for k, v in query.items()}
                state['log'] = []
            return self.plain(b'set')
        if path == '/_log':
            return self.plain('\n'.join(state['log']).encode())
        if path == '/token':
            return self.token(query)
        if nth('fail'):
            self.rest()
            return self.error(503, 'UNAVAILABLE')
        if nth('limit'):
            self.rest()
            return self.error(429, 'TOOMANYREQUESTS', [('Retry-After', '0')])
        if not self.allowed():
            return
        if path == '/v2/':
            return self.answer(200)
        m = re.fullmatch(r'/v2/(.+)/(blobs/uploads|blobs|manifests|referrers)/(.*)', path)
        if not m:
            return self.error(404, 'NOT_FOUND')
        repo, what, name = m.groups()
        getattr(self, what.replace('/', '_'))(repo, name, query)

    def plain(self, body):
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def blobs(self, repo, name, _):
        data = state['blobs'].get(repo + name)
        if data is None:
            return self.error(404, 'BLOB_UNKNOWN')
        if option('redirect') and self.command == 'GET':
            return self.answer(307, [('Location', option('redirect'))])
        if option('big'):
            data += b'x'
        start = int(self.headers['Range'][6:-1]) if 'Range' in self.headers else 0
        if self.command == 'GET' and nth('cutdown'):
            self.note(200)
            self.send_response(206 if start else 200)
            if start:
                self.send_header('Content-Range', f'bytes {start}-{len(data) - 1}/{len(data)}')
            self.send_header('Content-Length', str(len(data) - start))
            self.end_headers()
            self.wfile.write(data[start:start + (len(data) - start) // 2])
            return self.close()
        headers = [('Docker-Content-Digest', name)]
        if start:
            headers.append(('Content-Range', f'bytes {start}-{len(data) - 1}/{len(data)}'))
        self.answer(206 if start else 200, headers, data[start:])

    def blobs_uploads(self, repo, name, query):
        if self.command == 'POST':
            source = state['blobs'].get(query.get('from', [''])[0] + query.get('mount', [''])[0])
            if 'mount' in query and option('nomount'):
                return self.error(403, 'DENIED')
            if source is not None:
                state['blobs'][repo + query['mount'][0]] = source
                return self.answer(201)
            name = secrets.token_hex(4)
            state['uploads'][name] = b''
            where = option('location') or f'/v2/{repo}/blobs/uploads/{name}?state=1'
            return self.answer(202, [('Location', where)])
        if name not in state['uploads']:
            self.rest()
            return self.error(404, 'BLOB_UPLOAD_UNKNOWN')
        where = [('Location', f'/v2/{repo}/blobs/uploads/{name}?state=2')]
        if self.command == 'GET':
            n = len(state['uploads'][name])
            return self.error(404, 'UNSUPPORTED') if option('resume') == 0 else self.answer(204, where + [('Range', f'0-{max(n - 1, 0)}')])
        if self.command == 'PATCH':
            length = int(self.headers['Content-Length'])
            if length >= LARGE and nth('cut'):
                n = (length + 1) // 2
                state['uploads'][name] += self.rfile.read(n)
                self.note(0)
                return self.close()
            start = int(self.headers.get('Content-Range', '0-').split('-')[0])
            data = self.rest()
            if start != len(state['uploads'][name]):
                return self.error(416, 'RANGE_INVALID')
            state['uploads'][name] += data
            return self.answer(202, where)
        data = state['uploads'].pop(name) + self.rest()
        if digest(data) != query.get('digest', [''])[0]:
            return self.error(400, 'DIGEST_INVALID')
        state['blobs'][repo + digest(data)] = data
        self.answer(201)

    def manifests(self, repo, name, _):
        if self.command == 'PUT':
            data = self.rest()
            doc = json.loads(data)
            parts = [d['digest'] for d in doc.get('layers', [])] + ([doc['config']['digest']] if 'config' in doc else [])
            missing = [p for p in parts if repo + p not in state['blobs']]
            missing += [d['digest'] for d in doc.get('manifests', []) if repo + d['digest'] not in state['manifests']
                        and not name.startswith('sha256-')]
            if missing:
                return self.error(400, 'MANIFEST_BLOB_UNKNOWN')
            headers = []
            state['manifests'][repo + digest(data)] = (data, self.headers['Content-Type'])
            if not name.startswith('sha256:'):
                state['tags'][repo + name] = digest(data)
            if 'subject' in doc and option('referrers'):
                headers = [('OCI-Subject', doc['subject']['digest'])]
                state['referrers'].setdefault(repo + doc['subject']['digest'], []).append(
                    {'mediaType': doc['mediaType'], 'digest': digest(data), 'size': len(data), 'artifactType': doc.get('artifactType', '')})
            return self.answer(201, headers)
        data, kind = state['manifests'].get(repo + state['tags'].get(repo + name, name), (None, None))
        if data is None:
            return self.error(404, 'MANIFEST_UNKNOWN')
        claimed = digest(data if not option('liehead') else b'other')
        if option('lie'):
            data = data.replace(b'{', b'{ ', 1)
        headers = [('Docker-Content-Digest', claimed), ('Content-Type', option('kind') or kind)]
        self.answer(200, headers, data)

    def referrers(self, repo, name, _):
        if not option('referrers'):
            return self.error(404, 'NOT_FOUND')
        doc = {'schemaVersion': 2, 'mediaType': 'application/vnd.oci.image.index.v1+json', 'manifests': state['referrers'].get(repo + name, [])}
        self.answer(200, [('Content-Type', doc['mediaType'])], json.dumps(doc).encode())

    do_GET = do_HEAD = do_PUT = do_POST = do_PATCH = do_DELETE = handle_any


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


def certificate():
    def run(*a):
        subprocess.run(['openssl', *a], check=True, capture_output=True, cwd=folder)
    run('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=test CA', '-keyout', 'ca.key', '-out', 'ca.pem')
    run('req', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=server', '-keyout', 'server.key', '-out', 'server.csr')
    with open(folder + '/ext', 'w') as f:
        f.write('subjectAltName=IP:127.0.0.1,' + ','.join('DNS:' + n for n in NAMES) + '\n')
    run('x509', '-req', '-in', 'server.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'ext', '-out', 'server.pem')


def serve(tls):
    s = Server(('127.0.0.1', 0), Handler)
    if tls:
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ctx.load_cert_chain(folder + '/server.pem', folder + '/server.key')
        s.socket = ctx.wrap_socket(s.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=s.serve_forever, daemon=True).start()
    return s.server_address[1]


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


def tunnel(c, port):
    head = b''
    while b'\r\n\r\n' not in head:
        data = c.recv(4096)
        if not data:
            return
        head += data
    if not head.startswith(b'CONNECT '):
        c.sendall(b'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n')
        return c.close()
    up = socket.create_connection(('127.0.0.1', port))
    c.sendall(b'HTTP/1.1 200 OK\r\n\r\n')
    threading.Thread(target=pump, args=(up, c), daemon=True).start()
    pump(c, up)


def proxy(port):
    lis = socket.create_server(('127.0.0.1', 0), backlog=64)

    def accept():
        while True:
            threading.Thread(target=tunnel, args=(lis.accept()[0], port), daemon=True).start()
    threading.Thread(target=accept, daemon=True).start()
    return lis.getsockname()[1]


certificate()
https = serve(True)
print(serve(False), https, proxy(https), flush=True)
sys.stdin.read()  # until whoever started this is gone
