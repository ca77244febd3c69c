#!/bin/sh
# Layers that are kept between runs: had again with the same bytes, made anew where they are damaged, forged, another
# user's or of another secret, and thrown away beyond the limit.
#   test_layer_cache.sh CBUILD SOURCE_DIR
set -eu
cbuild=$1
source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
layers=$work/cache/cbuild/layers
export XDG_STATE_HOME="$work/state"
tar=hello.tar

fail() {
  echo "$1"
  cat "$work/log"
  exit 1
}
build() { # flags; the archive must be the first one's
  rm -f "$work/$tar"
  "$cbuild" -C "$source/examples" build hello.yaml hello:example "$work/$tar" --vcs=false --sbom=false \
    --cache-dir "$work/cache" --log-level debug "$@" 2> "$work/log" || fail "building failed"
  [ -e "$work/first.tar" ] || cp "$work/$tar" "$work/first.tar"
  cmp -s "$work/first.tar" "$work/$tar" || fail "another image"
}
had() { grep -q "was in the cache" "$work/log" || fail "$1: no layer was had from the cache"; }
made() { ! grep -q "was in the cache" "$work/log" || fail "$1: a layer was had from the cache"; }

build --layer-cache=false
[ ! -e "$layers" ] && [ ! -e "$XDG_STATE_HOME" ] || fail "layers were kept though they should not be"
build --offline
[ ! -e "$layers" ] || fail "an offline build wrote to the cache"
build
made "the first time"
[ "$(stat -c %a "$XDG_STATE_HOME/cbuild/cache-secret")" = 600 ] || fail "others may read the secret"
build
had "the second time"
build --threads 1
had "with one thread"
chmod -R a-w "$work/cache"
build --offline
had "offline"
chmod -R u+w "$work/cache"
build --layer-cache=false
made "without the cache"

# What is damaged or somebody else's is noticed, and gone after that.
for blob in "$layers"/*.blob; do printf x | dd of="$blob" bs=1 seek=99 conv=notrunc 2> /dev/null; done
build
made "damaged"
grep -q "is damaged" "$work/log" || fail "the damage was not told"
build
had "made anew"
for blob in "$layers"/*.blob; do echo more >> "$blob"; done
build
made "longer"
for entry in "$layers"/*.layer; do sed -i '2s/ \([0-9]\)/ 1\1/2' "$entry"; done
build
made "forged"
build
had "forged no more"
chmod g+w "$layers"/*.blob
build
made "writable by others"
build
had "writable by others no more"
for entry in "$layers"/*.layer; do rm "$entry" && mkdir "$entry"; done
build
made "a folder in its place"
rm -rf "$layers"/*
build
XDG_STATE_HOME=$work/other build
made "with another secret"
echo short > "$work/other/cbuild/cache-secret"
XDG_STATE_HOME=$work/other build
grep -q "WARN layers are not kept" "$work/log" || fail "a bad secret was taken"

rm -rf "$layers"
build --layer-cache-size 10
[ -z "$(ls -A "$layers")" ] || fail "more is kept than may be"
build --layer-cache-size 100000000
build --layer-cache-size 100000000
had "within the limit"
echo "layers are kept between runs"
