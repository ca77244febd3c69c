#!/bin/sh
# What a build writes to, when it cannot be written to: said before the work where that can be known, with a name, and
# nothing is left behind. Beside each refusal stands what must pass.
#   test_ends.sh CBUILD SOURCE_DIR
set -eu
cbuild=$1
source=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/out" "$work/sboms"

build() { # words before the command, then "--", then flags
  before=
  while [ "$1" != -- ]; do before="$before $1"; shift; done
  shift
  rm -rf "$work/out" && mkdir "$work/out"
  (cd "$source/examples" && sh -c "$before"' exec "$@"' sh "$cbuild" build hello.yaml hello:example "$work/out/hello.tar" \
    --vcs=false --offline --cache-dir "$work/cache" "$@") > "$work/stdout" 2> "$work/stderr"
}

refused() { # what is said, then as build
  said=$1
  shift
  status=0
  build "$@" || status=$?
  [ "$status" = 1 ] || { echo "$said: status $status, want 1"; cat "$work/stderr"; exit 1; }
  grep -q "$said" "$work/stderr" || { echo "not said: $said"; cat "$work/stderr"; exit 1; }
  [ -z "$(ls -A "$work/out")" ] || { echo "$said: left behind: $(ls -A "$work/out")"; exit 1; }
}

passes() {
  build "$@" || { echo "$*: failed"; cat "$work/stderr"; exit 1; }
  [ -s "$work/out/hello.tar" ] || { echo "$*: nothing was written"; exit 1; }
}

refused "SBOMs cannot be written to $work/none" -- --sbom-path "$work/none"
grep -q "installing" "$work/stderr" && { echo "the folder for SBOMs was looked at after the work"; exit 1; }
refused "not a folder" -- --sbom-path "$source/LICENSE"
passes -- --sbom-path "$work/sboms"
passes -- --sbom-path "$work/none" --sbom=false

# A file that may not grow: an error that names it, not a death by SIGXFSZ.
refused "a temporary file in .*: File too large" "ulimit -f 4;" -- --sbom=false
passes "ulimit -f 1000000;" -- --sbom=false

# A repository's password is the reference's own bytes of the image; it is not kept quiet about.
sed "s|- repository\$|- repository\n    - http://user:canary@127.0.0.1:9/none|" "$source/examples/hello.yaml" > "$work/secret.yaml"
(cd "$source/examples" && "$cbuild" build "$work/secret.yaml" hello:example "$work/out/x.tar" --vcs=false --offline \
  --cache-dir "$work/cache" --sbom=false) 2> "$work/stderr" && { echo "offline, yet a repository was read"; exit 1; }
grep -q "WARN http://user:xxxxx@127.0.0.1:9/none: who has the image can read" "$work/stderr" ||
  { echo "no warning of a password"; cat "$work/stderr"; exit 1; }
grep -q canary "$work/stderr" && { echo "the password was shown"; exit 1; }
passes -- --sbom=false
grep -q "who has the image" "$work/stderr" && { echo "a warning without a cause"; exit 1; }
echo "ends that cannot be written to are told"
