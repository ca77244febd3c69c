#!/bin/sh
# The example, end to end: the digests that the reference gives, whatever the threads, umask, time zone, locale, folder.
#   test_example.sh CBUILD SOURCE_DIR
set -eu
cbuild=$1
source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

golden() { awk -v name="$1" '$1 == name { print $2 }' "$source/golden/example/digests.txt"; }

check() { # NAME FILE
  got=$(sed 's/"Tool: [^"]*"/"Tool: -"/' "$2" | sha256sum | cut -d' ' -f1)
  [ "$1" != hello.tar ] || got=$(sha256sum "$2" | cut -d' ' -f1)
  want=$(golden "$1")
  [ "$got" = "$want" ] || { echo "$1: $got, want $want ($how)"; exit 1; }
}

build() { # how the build differs, then words before the command
  how=$1
  shift
  rm -rf "$work/out" "$work/sbom"
  mkdir "$work/out" "$work/sbom"
  (cd "$source/examples" &&
    "$@" "$cbuild" build hello.yaml hello:example "$work/out" --vcs=false --offline --cache-dir "$work/cache" \
      --sbom-path "$work/sbom" --log-level error $threads)
  check index.json "$work/out/index.json"
  for f in sbom-x86_64.spdx.json sbom-aarch64.spdx.json sbom-index.spdx.json; do check $f "$work/sbom/$f"; done
  [ "$(ls "$work/sbom" | wc -l)" = 3 ] || { echo "other files beside the SBOMs"; exit 1; }
}

for n in 1 2 8; do
  threads="--threads $n"
  build "$n threads" env
done
threads=
build "another time zone and locale" env TZ=Asia/Kathmandu LANG=tr_TR.UTF-8 LC_ALL=C.UTF-8
umask 0
build "umask 0" env
[ -z "$(find "$work/out" "$work/sbom" -mindepth 1 -perm -002 ! -type l)" ] || { echo "writable by all"; exit 1; }
umask 077
build "umask 077" env
build "no HOME" env -u HOME
how="archive"
"$cbuild" -C "$source/examples" build hello.yaml hello:example "$work/hello.tar" --vcs=false --offline \
  --cache-dir "$work/cache" --sbom=false --log-level error
check hello.tar "$work/hello.tar"
echo "the example's digests are as they should be"
