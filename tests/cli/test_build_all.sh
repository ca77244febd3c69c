#!/bin/sh
# Many images in one run: the digests are those of single builds, what fails leaves the others alone, and what cannot
# be meant is refused before the work.
#   test_build_all.sh CBUILD SOURCE_DIR
set -eu
cbuild=$1
source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tab=$(printf '\t')
want=sha256:$(awk '$1 == "index.json" { print $2 }' "$source/golden/example/digests.txt")
cp -r "$source/examples" "$work/in"
cd "$work/in"
mkdir images
for name in beta alpha; do cp hello.yaml images/$name.yaml; done
cp hello.yaml images/.hidden.yaml
echo text > images/README.md

fail() {
  echo "$1"
  cat "$work/stdout" "$work/stderr"
  exit 1
}
all() {
  "$cbuild" build-all "$@" --vcs=false --offline --cache-dir "$work/cache" > "$work/stdout" 2> "$work/stderr"
}
refused() { # what is said, then as all
  said=$1
  shift
  status=0
  all "$@" || status=$?
  [ "$status" = 1 ] || fail "$said: status $status, want 1"
  grep -q "$said" "$work/stderr" || fail "not said: $said"
  [ ! -e "$work/in/none" ] || fail "$said: something was written"
}

# A folder: every configuration in it, in byte order, a line each.
all images --output out || fail "building a folder failed"
[ "$(cat "$work/stdout")" = "alpha$tab$want
beta$tab$want" ] || fail "not the lines that were expected"
grep -q "^2 built, 0 failed$" "$work/stderr" || fail "no summary"
grep -q INFO "$work/stderr" && fail "not brief"
for name in alpha beta; do
  [ "$(sha256sum < out/$name/index.json | cut -d ' ' -f 1)" = "${want#sha256:}" ] || fail "out/$name is another image"
  [ -s out/$name.sbom/sbom-index.spdx.json ] || fail "out/$name has no SBOM"
done

# The same at one thread, as archives, with SBOMs elsewhere; and a single build's bytes.
all images --output 'tars/{name}.tar' --tag 'example.com/{name}:1' --sbom-path sboms --threads 1 || fail "archives failed"
"$cbuild" build hello.yaml example.com/alpha:1 a.tar --vcs=false --offline --cache-dir "$work/cache" 2> /dev/null
cmp -s a.tar tars/alpha.tar || fail "an archive differs from that of a single build"
cmp -s sbom-index.spdx.json sboms/alpha/sbom-index.spdx.json || fail "an SBOM differs from that of a single build"

# A list: tag and output may be on the line; a failure stops what was not begun, or with --keep-going nothing else.
cat > list <<L
# a comment
hello.yaml example.com/hello:1 'of the list/hello.tar'

missing.yaml
images/alpha.yaml
L
status=0
all list --output out2 --keep-going || status=$?
[ "$status" = 1 ] || fail "a failure and status $status"
[ "$(cut -f 1 "$work/stdout" | tr '\n' ' ')" = "hello missing alpha " ] || fail "not the lines of the list"
grep -q "^missing${tab}error: .*missing.yaml" "$work/stdout" || fail "the failure is not told"
grep -q "^2 built, 1 failed$" "$work/stderr" || fail "the summary is wrong"
[ -s "of the list/hello.tar" ] && [ -s out2/alpha/index.json ] || fail "a failure took another's output"
[ ! -e out2/missing ] || fail "something was left of what failed"
all - --output out3 --threads 1 < list && fail "a failure was none"
grep -q "^1 built, 1 failed, 1 not begun" "$work/stderr" || fail "what was not begun is not told"

refused "no configuration in folder" keys --output none
cp images/alpha.yaml images/alpha.yml
refused "have the same output" images --output none
rm images/alpha.yml
refused "where the image goes" images
refused "keep-going" images --output none --keep-goin
echo "hello.yaml hello:1 none/x y" > long
refused "long: line 1: more than" long --output none
echo "hello.yaml 'a" > open
refused "open: line 1" open --output none
refused "images/alpha.yaml: .*A B" images --output none --tag 'A B:{name}'
echo "many images are built in one run"
