#!/bin/sh
# The commands beside build and publish, on the example: the reference's output, to the byte.
#   test_commands.sh CBUILD SOURCE_DIR
set -eu
cbuild=$1
source=$2
golden=$source/golden/cli
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tab=$(printf '\t')
HOME=$work/home && export HOME
cd "$source/examples"

fail() {
  echo "$1"
  cat "$work/err"
  exit 1
}
run() { # output on stdout
  "$cbuild" "$@" --log-level error --offline=false 2> "$work/err" || fail "failed: $*"
}
same() { # GOLDEN what
  cmp "$golden/$1" "$work/out" || fail "$2 is not as in golden/cli/$1"
}
refuses() {
  ! "$cbuild" "$@" > "$work/out" 2> "$work/err" || fail "did not fail: $*"
  [ ! -s "$work/out" ] || fail "printed something: $*"
  grep -q '^Error: ' "$work/err" || fail "no message: $*"
}
cache="--cache-dir $work/cache"

run show-config $cache hello.yaml > "$work/out"
same hello.show-config.yaml show-config
run show-config $cache /dev/stdin < hello.yaml > "$work/out"
same hello.show-config.yaml "show-config of a pipe"
cat hello.yaml | run show-config $cache /dev/stdin > "$work/out"
same hello.show-config.yaml "show-config of a real pipe"
(cd / && run -C "$source/examples" show-config $cache hello.yaml) > "$work/out"
same hello.show-config.yaml "show-config with -C"

: > "$work/out"
grep '^== ' "$golden/hello.show-packages.txt" | while IFS= read -r line; do
  echo "$line" >> "$work/out"
  run show-packages $cache --arch x86_64 --format "${line#== }" hello.yaml >> "$work/out"
done
same hello.show-packages.txt show-packages
run show-packages $cache hello.yaml > "$work/out"
[ "$(sort "$work/out" | uniq -c | tr -s ' ' | tr '\n' ';')" = " 2 example-baselayout 1.0-r0; 2 hello 1.0-r0;" ] ||
  fail "show-packages of two architectures"

run dot $cache --arch x86_64 hello.yaml > "$work/out"
same hello.dot dot
run dot -S $cache --arch x86_64 hello.yaml > "$work/out"
same hello-S.dot "dot -S"

run lock $cache hello.yaml --output "$work/out"
same hello.lock.json lock
run lock $cache hello.yaml --output /dev/stdout | cat > "$work/out"
same hello.lock.json "lock to a pipe"
mkdir "$work/image"
run build $cache --vcs=false --sbom=false --lockfile "$work/out" hello.yaml hello:example "$work/image"
[ "$(sha256sum < "$work/image/index.json" | cut -d' ' -f1)" = \
  "$(awk '$1 == "index.json" { print $2 }' "$source/golden/example/digests.txt")" ] || fail "the locked build's digest"

sed '/^layering:/,/budget:/d' hello.yaml > "$work/flat.yaml"
while IFS=$tab read -r command file flags want; do
  case $command in '#'*) continue ;; esac
  run $command "$work/flat.yaml" "$work/$file" $flags
  got=$(sha256sum < "$work/$file" | cut -d' ' -f1)
  [ "$got" = "$want" ] || fail "$command $flags: $got, want $want"
  rm "$work/$file"
done < "$golden/digests.txt"

# The checkout around a configuration is looked for up to the working folder, which is what $PWD calls it.
mkdir -p "$work/real/.git/refs/heads"
cp -R keys repository hello.yaml "$work/real"
ln -s real "$work/link"
printf '[remote "origin"]\n\turl = https://example.com/hello.git\n' > "$work/real/.git/config"
echo "ref: refs/heads/main" > "$work/real/.git/HEAD"
echo b22d067195952557157286dea0ebbd24f0676dca > "$work/real/.git/refs/heads/main"
source_of() { # PWD CONFIG: what the image says it was made from
  rm -rf "$work/image" && mkdir "$work/image"
  (cd "$work/link" && PWD=$1 && export PWD && run build $cache --arch x86_64 --sbom=false "$2" hello:example "$work/image")
  grep -o '"org.opencontainers.image.source":"[^"]*"' "$work/image/index.json" || true
}
address='"org.opencontainers.image.source":"https://example.com/hello.git"'
[ "$(source_of "$work/link" "$work/link/hello.yaml")" = "$address" ] || fail "no address: the folder's name is in PWD"
[ -z "$(source_of "$work/link" "$work/real/hello.yaml")" ] || fail "an address from beyond the folder in PWD"
[ -z "$(source_of "$work" "$work/link/hello.yaml")" ] || fail "PWD is believed though it is another folder"
[ "$(source_of "$work" "$work/real/hello.yaml")" = "$address" ] || fail "no address: PWD is another folder"

refuses show-config
refuses show-config hello.yaml hello.yaml
refuses show-config missing.yaml
refuses show-packages $cache --format '{{ .Name' hello.yaml
refuses show-packages $cache --format '{{ html .Name }}' hello.yaml
refuses build-minirootfs hello.yaml "$work/out.tar"
grep -q layering "$work/err" || fail "the message does not name layering"
[ ! -e "$work/out.tar" ] || fail "a file was left behind"
refuses build-cpio "$work/flat.yaml" "$work/missing/out.cpio"
sed 's/    - hello$/    - helo/' hello.yaml > "$work/typo.yaml"
refuses dot $cache "$work/typo.yaml"
refuses show-packages $cache "$work/typo.yaml"

echo "the commands do as the reference's"
