#!/bin/sh
# A lock is law: what is built from one needs no index, and what no longer fits is told. Its repository changes under
# it: packages in newer versions, one that is gone, one with other contents.
#   test_lock_law.sh CBUILD SOURCE_DIR
set -eu
cbuild=$1
source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  echo "$1"
  cat "$work/out" "$work/log"
  exit 1
}
run() { # STATUS ARGUMENTS...: in the folder
  want=$1
  shift
  status=0
  (cd "$work/app" && exec "$cbuild" "$@" --cache-dir "$work/cache" --offline) > "$work/out" 2> "$work/log" || status=$?
  [ "$status" = "$want" ] || fail "cbuild $*: exit status $status, expected $want"
}
says() { # LINES: the output, and nothing else
  printf '%s' "$1" > "$work/want"
  cmp -s "$work/want" "$work/out" || fail "expected: $1"
}
repository() { # "NAME VERSION DEPENDS...", one package an argument: the signed repository of two architectures
  rm -rf "$work/app/repo"
  PYTHONPATH="$source/tests/differential" PYTHONDONTWRITEBYTECODE=1 python3 - "$work/app/repo" "$@" << 'P'
import sys
import stage
packages = []
for text in sys.argv[2:]:
    name, version, *depends = text.split(' ')
    info = {'pkgname': name, 'pkgver': version, 'depend': [d for d in depends if d[0] != '+']}
    info['pkgdesc'] = ''.join(d for d in depends if d[0] == '+')
    packages.append({'info': info})
stage.stage_repository(sys.argv[1], {'archs': ['x86_64', 'aarch64'], 'packages': packages})
P
}

mkdir -p "$work/app/keys"
cp "$source/tests/differential/keys/first.rsa.pub" "$work/app/keys"
cat > "$work/app/image.yaml" << 'Y'
contents:
  keyring: [keys/first.rsa.pub]
  repositories: [repo]
  packages: [app, tool]
archs: [x86_64, aarch64]
Y
repository 'app 1.0-r0 lib' 'lib 1.0-r0' 'tool 1.0-r0'
run 0 lock image.yaml
cp "$work/app/image.lock.json" "$work/first.json"

# Equal: silent. And the folder that it is made in does not count.
run 0 lock --check image.yaml
says ''
cp -r "$work/app" "$work/elsewhere"
(cd "$work/elsewhere" && "$cbuild" lock image.yaml --output "$work/second.json" --cache-dir "$work/cache2") \
  2> "$work/log" || fail "locking elsewhere"
cmp "$work/first.json" "$work/second.json" || fail "the lock file depends on the folder"

# Built from the lock without any index, to the same image; the lock stays what it was.
run 0 build image.yaml app:1 app.tar --lockfile image.lock.json --vcs=false --sbom=false
mv "$work/app/app.tar" "$work/first.tar"
rm "$work/app/repo"/*/APKINDEX.tar.gz
run 0 build image.yaml app:1 app.tar --lockfile image.lock.json --vcs=false --sbom=false
cmp "$work/first.tar" "$work/app/app.tar" || fail "another image without the index"
run 1 build image.yaml app:1 app.tar --vcs=false --sbom=false

# Newer versions, a package more, one that is gone: listed, and nothing is written.
repository 'app 1.0-r0 more' 'app 1.1-r0 more' 'more 3-r0' 'tool 1.0-r0'
run 1 lock --check image.yaml
says 'x86_64: app 1.0-r0 -> 1.1-r0
aarch64: app 1.0-r0 -> 1.1-r0
x86_64: lib 1.0-r0 removed
aarch64: lib 1.0-r0 removed
x86_64: more 3-r0 added
aarch64: more 3-r0 added
'
cmp "$work/first.json" "$work/app/image.lock.json" || fail "--check wrote the lock file"
mv "$work/app/image.lock.json" "$work/app/named.json"
run 1 lock --check image.yaml --output named.json
run 1 lock --check image.yaml
grep -q 'image.lock.json' "$work/log" || fail "the missing lock file is not named"
[ ! -e "$work/app/image.lock.json" ] || fail "--check made a lock file"
mv "$work/app/named.json" "$work/app/image.lock.json"

# The same version with other contents.
repository 'app 1.0-r0 lib' 'lib 1.0-r0 +changed' 'tool 1.0-r0'
run 1 lock --check image.yaml
grep -q '^x86_64: lib 1.0-r0: checksum Q1.* -> Q1' "$work/out" || fail "no changed checksum"
[ "$(wc -l < "$work/out")" = 2 ] || fail "not only the checksums of lib"
# What is newer, whether it may be taken or not.
repository 'app 1.0-r0 lib' 'app 1.10-r0 lib' 'app 1.9-r0 lib' 'lib 1.0-r0' 'tool 1.0-r0' 'tool 0.9-r0' 'other 9-r0'
run 1 lock --outdated image.yaml --arch x86_64
says 'x86_64: app 1.0-r0 -> 1.10-r0
'
run 1 lock --outdated --json image.yaml --arch x86_64
says '[
  {
    "name": "app",
    "architecture": "x86_64",
    "locked": "1.0-r0",
    "newest": "1.10-r0",
    "url": "repo/x86_64/app-1.10-r0.apk"
  }
]
'
repository 'app 1.0-r0 lib' 'lib 1.0-r0' 'tool 1.0-r0'
run 0 lock --outdated image.yaml
says ''
run 0 lock --outdated --json image.yaml
says '[]
'

# Only what is named moves; what it needs moves with it; the rest stays, and so do the order and all else.
update() { # NAMES: the lock file that was made first, with these let go
  cp "$work/first.json" "$work/app/image.lock.json"
  run 0 lock --update-package "$1" image.yaml
}
differs() { # LINES: from the lock file that was made first, in the first architecture
  cp "$work/app/image.lock.json" "$work/updated.json"
  python3 - "$work/first.json" "$work/updated.json" > "$work/out" << 'P'
import json
import sys
old, new = ([p for p in json.load(open(f))['contents']['packages'] if p['architecture'] == 'x86_64'] for f in sys.argv[1:])
before = {p['name']: p for p in old}
for p in new:
    if before.pop(p['name'], None) != p:
        print(p['name'], p['version'])
for name in before:
    print(name, 'gone')
P
  says "$1"
}
update app
cmp "$work/first.json" "$work/app/image.lock.json" || fail "nothing is newer, and another lock file"
repository 'app 1.0-r0 lib' 'app 1.1-r0 lib' 'lib 1.0-r0' 'lib 1.1-r0' 'tool 1.0-r0' 'tool 2.0-r0'
update tool
differs 'tool 2.0-r0
'
! grep -q WARN "$work/log" || fail "a warning without need"
update app
differs 'app 1.1-r0
'
update app,lib
differs 'lib 1.1-r0
app 1.1-r0
'
run 0 lock --update-package tool --update-package app image.yaml
run 0 lock image.yaml --output all.json
cmp "$work/app/all.json" "$work/app/image.lock.json" || fail "updating all is not locking anew"
repository 'app 1.0-r0 lib' 'app 2.0-r0 lib>=2' 'lib 1.0-r0' 'lib 2.0-r0' 'tool 1.0-r0' 'tool 2.0-r0'
update app
differs 'lib 2.0-r0
app 2.0-r0
'
grep -q 'x86_64: lib cannot stay at 1.0-r0 and moves to 2.0-r0' "$work/log" || fail "it is not told that lib moves"
! grep -q 'tool' "$work/log" || fail "tool is told to move"
repository 'app 1.0-r0 lib' 'lib 1.1-r0' 'tool 1.0-r0' 'tool 2.0-r0'
update tool
differs 'lib 1.1-r0
tool 2.0-r0
'
grep -q 'lib cannot stay at 1.0-r0' "$work/log" || fail "it is not told that the locked version is gone"
cp "$work/first.json" "$work/app/image.lock.json"
run 1 lock --update-package none image.yaml
grep -q 'has no package "none"' "$work/log" || fail "a name that is not locked"
cmp "$work/first.json" "$work/app/image.lock.json" || fail "a failed update wrote"
run 1 lock --check --outdated image.yaml
run 1 lock --json image.yaml
"$cbuild" lock --help > "$work/out"
for flag in check outdated json update-package; do
  grep -q -e "^      --$flag " "$work/out" || fail "the help does not show --$flag"
done
echo "the lock is law"
