# shellcheck shell=sh disable=SC2154
# A docker-registry of the test's own on loopback. To be sourced by a test that has set $work to a folder of its own:
# sets $port and $registry, the process, which the test ends.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
cat > "$work/registry.yml" <<Y
version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: $work/registry}}
http: {addr: "127.0.0.1:$port"}
Y
docker-registry serve "$work/registry.yml" > "$work/registry.log" 2>&1 &
registry=$!
tries=0
until python3 -c "import socket; socket.create_connection(('127.0.0.1', $port), 1)" 2> /dev/null; do
  tries=$((tries + 1))
  [ "$tries" -lt 100 ] || { echo "the registry did not start"; cat "$work/registry.log"; exit 1; }
  sleep 0.1
done
