#!/bin/sh
# Killed at any moment, a build leaves no half-written file behind and the cache sound: the next one gives the digest.
#   test_kill.sh CBUILD SOURCE_DIR
set -eu
cbuild=$1
source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/out" "$work/tmp"
want=$(awk '$1 == "index.json" { print $2 }' "$source/golden/example/digests.txt")

build() {
  exec env TMPDIR="$work/tmp" "$cbuild" -C "$source/examples" build hello.yaml hello:example "$work/out" --vcs=false \
    --cache-dir "$work/cache" --sbom=false --log-level error
}
for n in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19; do
  (build) &
  sleep "0.0$(printf %02d $((n * 3)))"
  kill -9 $! 2> /dev/null || true
  wait $! 2> /dev/null || true
done
(build)
# What a process that was killed while it replaced a file has left is taken away by the next one that replaces one.
echo abandoned > "$work/out/.cbuild-0123456789abcdef"
echo "somebody's own" > "$work/out/.cbuild-notes"
(build)
[ -e "$work/out/.cbuild-notes" ] && rm "$work/out/.cbuild-notes" || { echo "took away another file"; exit 1; }
stray=$(find "$work/out" "$work/tmp" -name '.*' ! -path "$work/out" -o -path "$work/tmp/*")
[ -z "$stray" ] || { echo "left behind: $stray"; exit 1; }
[ "$(sha256sum < "$work/out/index.json" | cut -d' ' -f1)" = "$want" ] || { echo "another digest"; exit 1; }
for blob in "$work/out/blobs/sha256/"*; do
  [ "$(sha256sum < "$blob" | cut -d' ' -f1)" = "${blob##*/}" ] || { echo "$blob holds other bytes"; exit 1; }
done
echo "killed 20 times, and right afterwards"
