#!/bin/sh
# dot --web: the page on loopback, what it answers and to whom; Graphviz and the browser are scripts here.
#   test_dot_web.sh CBUILD SOURCE_DIR
set -eu
cbuild=$1
source=$2
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2> /dev/null || true; rm -rf "$work"' EXIT
mkdir "$work/bin"
cat > "$work/bin/dot" <<'S'
#!/bin/sh
[ "$*" = -Tsvg ] && echo '<svg><title>images</title>' && cat && echo '</svg>'
S
cat > "$work/bin/xdg-open" <<S
#!/bin/sh
echo "\$1" > "$work/url.part" && mv "$work/url.part" "$work/url"
S
chmod +x "$work/bin/dot" "$work/bin/xdg-open"

PATH=$work/bin:$PATH "$cbuild" -C "$source/examples" dot --web -S --arch x86_64 --cache-dir "$work/cache" \
  -e explorer.example hello.yaml > "$work/out" 2> "$work/log" &
server=$!
tries=0
until [ -f "$work/url" ]; do
  tries=$((tries + 1))
  [ "$tries" -lt 100 ] || { echo "no browser was opened"; cat "$work/log"; exit 1; }
  sleep 0.1
done
python3 - "$(cat "$work/url")" <<'P' || { cat "$work/log"; exit 1; }
import socket, sys, urllib.error, urllib.request

url = sys.argv[1]
assert url.startswith("http://localhost:"), url
port = int(url.rsplit(":", 1)[1])

def get(path, **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)) as r:
            return r.status, r.headers, r.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.headers, e.read().decode()

status, headers, body = get("/")
assert status == 200 and headers["Content-Type"] == "image/svg+xml", (status, body)
assert "<title>" not in body and 'URL="https://explorer.example/repository/x86_64/hello-1.0-r0.apk"' in body, body
assert 'hello -> "example-baselayout" [ tooltip="hello \u2192 example-baselayout (dependency)" ]' in body, body
assert get("/?node=example-baselayout&node=hello")[0] == 200
assert get("/?node=%6eothing")[0] == 500 and "nothing" in get("/?node=%6eothing")[2]
assert get("/favicon.ico")[0] == 404
assert get("/", Host="evil.example")[0] == 403
assert get("/", Host=f"localhost:{port}")[0] == 200
with socket.create_connection(("127.0.0.1", port)) as s:
    s.sendall(f"POST / HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode())
    assert b"405" in s.recv(100)
with socket.create_connection(("127.0.0.1", port)) as s:
    s.sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * 100000)
    try:
        assert s.recv(100) == b""
    except ConnectionResetError:
        pass
try:
    socket.create_connection((socket.gethostbyname(socket.gethostname()), port), 1).close()
    assert socket.gethostbyname(socket.gethostname()).startswith("127."), "reachable from elsewhere"
except OSError:
    pass
assert get("/")[0] == 200
P
kill -INT "$server"
status=0
wait "$server" || status=$?
server=
[ "$status" = 1 ] || { echo "status $status after an interrupt"; cat "$work/log"; exit 1; }
[ ! -s "$work/out" ] || { echo "something on stdout"; exit 1; }
echo "the drawing is served"
