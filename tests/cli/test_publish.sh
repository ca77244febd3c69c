#!/bin/sh
# Publishing the example to a real registry on loopback: what is printed, what the registry holds, what a second
# publication sends, and that nothing is sent or tagged when the build fails.
#   test_publish.sh CBUILD SOURCE_DIR
set -eu
cbuild=$1
source=$2
work=$(mktemp -d)
registry=
trap '[ -z "$registry" ] || kill "$registry"; rm -rf "$work"' EXIT
want=$(awk '$1 == "index.json" { print $2 }' "$source/golden/example/digests.txt")

. "$source/tests/cli/registry.sh"

fail() {
  echo "$1"
  cat "$work/log"
  exit 1
}
publish() { # arguments after the configuration
  "$cbuild" -C "$source/examples" publish hello.yaml "$@" --vcs=false --offline=false --cache-dir "$work/cache" \
    --sbom=false --log-level debug > "$work/out" 2> "$work/log"
}
holds() { # TAG: the digest of what the registry has under it
  python3 - "$1" <<P
import hashlib, sys, urllib.request
accept = {"Accept": "application/vnd.oci.image.index.v1+json"}
url = "http://127.0.0.1:$port/v2/team/hello/manifests/" + sys.argv[1]
print(hashlib.sha256(urllib.request.urlopen(urllib.request.Request(url, headers=accept)).read()).hexdigest())
P
}

name=localhost:$port/team/hello
publish "$name:one" "$name:two" --image-refs "$work/refs" || fail "publishing failed"
[ "$(cat "$work/out")" = "$name@sha256:$want" ] || fail "printed $(cat "$work/out")"
[ "$(holds one)" = "$want" ] || fail "tag one is another image"
[ "$(holds two)" = "$want" ] || fail "tag two is another image"
[ "$(wc -l < "$work/refs")" = 3 ] || fail "--image-refs has $(wc -l < "$work/refs") lines"
[ "$(tail -n 1 "$work/refs")" = "$name@sha256:$want" ] || fail "--image-refs does not end in the index"

publish "$name:one" || fail "publishing again failed"
! grep -q ' uploaded ' "$work/log" || fail "a blob was sent again"

printf 'hello.yaml %s:three %s:four\n' "$name" "$name" > "$work/list"
"$cbuild" -C "$source/examples" publish-all "$work/list" --vcs=false --cache-dir "$work/cache" --image-refs "$work/refs" \
  > "$work/out" 2> "$work/log" || fail "publish-all failed"
[ "$(cat "$work/out")" = "$(printf 'hello\t%s' "$name@sha256:$want")" ] || fail "publish-all printed $(cat "$work/out")"
[ "$(holds four)" = "$want" ] || fail "tag four is another image"
[ "$(wc -l < "$work/refs")" = 3 ] || fail "--image-refs of publish-all has $(wc -l < "$work/refs") lines"
echo hello.yaml > "$work/list"
"$cbuild" -C "$source/examples" publish-all "$work/list" "localhost:$port/team/{name}:five" --vcs=false \
  --cache-dir "$work/cache" --sbom=false > "$work/out" 2> "$work/log" || fail "publish-all with a pattern failed"
[ "$(holds five)" = "$want" ] || fail "tag five is another image"

! publish "$name:never" -p no-such-package || fail "a package that does not exist was no error"
! holds never > /dev/null 2>&1 || fail "a tag was written though the build failed"
! publish "$name:bad tag" || fail "a malformed tag was no error"
! publish false || fail "a tag called false was no error"
grep -q -e '--flag=false' "$work/log" || fail "no hint at --flag=false"
echo "published, and published again without sending a blob"
