#!/bin/sh
# Attestations and signatures through a real registry on loopback: made, found as referrers (under the fallback tag, as
# this registry has no API for them) and under cosign's tags, verified, and refused where somebody else is asked for.
#   test_attest.sh CBUILD SOURCE_DIR
set -eu
cbuild=$1
source=$2
work=$(mktemp -d)
registry=
trap '[ -z "$registry" ] || kill "$registry"; rm -rf "$work"' EXIT
. "$source/tests/cli/registry.sh"
fail() {
  echo "$1"
  cat "$work/log"
  exit 1
}
run() {
  "$cbuild" "$@" > "$work/out" 2> "$work/log"
}
export COSIGN_PASSWORD=secret
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -aes256 -pass pass:secret -out "$work/key" 2> /dev/null
openssl pkey -in "$work/key" -passin pass:secret -pubout -out "$work/pub"
openssl ecparam -name prime256v1 -genkey -noout | openssl ec -pubout -out "$work/other" 2> /dev/null
image=localhost:$port/team/hello
config=https://apko.dev/image-configuration
want=$(awk '$1 == "index.json" { print $2 }' "$source/golden/example/digests.txt")

run -C "$source/examples" publish hello.yaml "$image:1" --vcs=false --cache-dir "$work/cache" --sbom-path "$work" \
  --attest --key "$work/key" --cosign-tag || fail "publish --attest failed"
[ "$(cat "$work/out")" = "$image@sha256:$want" ] || fail "attesting changed the image: $(cat "$work/out")"
for type in "$config" spdxjson; do
  run verify-attestation --type "$type" --key "$work/pub" --insecure-ignore-tlog "$image:1" || fail "$type is refused"
  [ "$(wc -l < "$work/out")" = 1 ] || fail "$type: $(wc -l < "$work/out") envelopes"
  jq -r .payload "$work/out" | base64 -d | jq -e .predicate > /dev/null || fail "$type: no predicate"
done
run verify-attestation --type "$config" --key "$work/pub" --insecure-ignore-tlog --predicate-only "$image:1"
jq -e '.archs == ["amd64", "arm64"]' "$work/out" > /dev/null || fail "another configuration: $(cat "$work/out")"

echo '{"a": 1}' > "$work/predicate"
! run verify --key "$work/pub" --insecure-ignore-tlog "$image:1" || fail "a signature where there is none"
run attest "$image:1" --predicate "$work/predicate" --type https://example.com/a --key "$work/key" || fail "attest failed"
run sign "$image:1" --key "$work/key" --cosign-tag -a by=me || fail "sign failed"
run verify --key "$work/pub" --insecure-ignore-tlog "$image:1" || fail "the signature is refused"
[ "$(jq length "$work/out")" = 2 ] || fail "$(jq length "$work/out") signatures"
run verify --key "$work/pub" --insecure-ignore-tlog -a by=me "$image:1" || fail "the annotation is refused"
! run verify --key "$work/pub" --insecure-ignore-tlog -a by=you "$image:1" || fail "another annotation is accepted"
! run verify --key "$work/other" --insecure-ignore-tlog "$image:1" || fail "another key is accepted"
grep -q 'the signature does not match' "$work/log" || fail "no reason is given"
[ ! -s "$work/out" ] || fail "something on stdout"
! run verify --key "$work/other" --insecure-ignore-tlog --json "$image:1" || fail "another key is accepted"
jq -e '.found | length == 5 and all(.accepted | not)' "$work/out" > /dev/null || fail "the report is $(cat "$work/out")"
! COSIGN_PASSWORD=wrong run sign "$image:1" --key "$work/key" || fail "another password opens the key"
! run verify --key "$work/pub" --insecure-ignore-tlog --policy x.cue "$image:1" || fail "a policy is ignored"
echo "attested, signed, verified"
