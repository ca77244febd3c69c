#!/usr/bin/env python3
"""Docker's API on the unix socket DIR/docker.sock, as far as loading and tagging go. Prints 1 when it listens.

GET /_set?NAME=VALUE forgets everything and sets options: old=1 (no Api-Version), refuse=1 (loading fails with 500),
sour=1 (loading fails in the middle of a 200), early=1 (answers before the archive has ended and closes).
GET /_log gives one line a request, and a line for each member of a loaded archive.
"""
import http.server, io, json, re, socketserver, sys, tarfile, threading, urllib.parse

folder = sys.argv[1]
state = {'images': {}, 'log': [], 'options': {}}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *_):
        pass

    def address_string(self):
        return 'unix'

    def body(self):
        if 'chunked' not in self.headers.get('Transfer-Encoding', ''):
            return self.rfile.read(int(self.headers.get('Content-Length') or 0))
        out = b''
        while n := int(self.rfile.readline(), 16):
            out += self.rfile.read(n)
            self.rfile.readline()
        self.rfile.readline()
        return out

    def answer(self, status, body=b'', headers=()):
        state['log'].append(f'{self.command} {self.path} {status}')
        self.send_response(status)
        for k, v in headers:
            self.send_header(k, v)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def load(self):
        if state['options'].get('early'):
            self.rfile.read(1000)
            self.close_connection = True
            return self.answer(500, b'{"message": "no space left"}')
        data = self.body()
        if state['options'].get('refuse'):
            return self.answer(500, b'{"message": "no space left"}')
        if state['options'].get('sour'):
            return self.answer(200, b'{"stream":"Loading"}\r\n{"errorDetail":{},"error":"bad layer"}\r\n')
        with tarfile.open(fileobj=io.BytesIO(data)) as t:
            for m in t:
                state['log'].append(f'member {m.name} {m.size}')
            for image in json.load(t.extractfile('manifest.json')):
                state['images'].setdefault(image['Config'], []).extend(image['RepoTags'])
        self.answer(200, b'{"stream":"Loaded image"}\r\n')

    def handle_any(self):
        url = urllib.parse.urlparse(self.path)
        query = {k: v[0] for k, v in urllib.parse.parse_qs(url.query).items()}
        path = re.sub(r'^/v[0-9.]+', '', url.path)
        if path == '/_set':
            state.update(images={}, log=[], options=query)
            return self.answer(200)
        if path == '/_log':
            text = '\n'.join(state['log'] + [f'{i}: {sorted(t)}' for i, t in state['images'].items()])
            return self.answer(200, text.encode())
        if path == '/_ping':
            return self.answer(200, b'OK', [] if state['options'].get('old') else [('Api-Version', '1.41')])
        if path == '/images/load':
            return self.load()
        m = re.fullmatch(r'/images/(.+)/(json|tag)', path)
        image = next((i for i, tags in state['images'].items() if m and m.group(1) in [i, *tags]), None)
        if image is None:
            return self.answer(404, b'{"message": "No such image"}')
        if m.group(2) == 'json':
            return self.answer(200, json.dumps({'Id': image, 'RepoTags': state['images'][image]}).encode())
        state['images'][image].append(query['repo'] + ':' + query['tag'])
        self.answer(201)

    do_GET = do_POST = handle_any


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


s = Server(folder + '/docker.sock', Handler)
threading.Thread(target=s.serve_forever, daemon=True).start()
print(1, flush=True)
sys.stdin.read()  # until whoever started this is gone
