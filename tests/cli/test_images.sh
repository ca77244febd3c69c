#!/bin/sh
# Images wherever they are: the example as a layout, an archive, an OCI archive, in a registry; its configuration and
# SBOM read back from its layers; copies that keep every digest, with what is attached.
#   test_images.sh CBUILD SOURCE_DIR
set -eu
cbuild=$1
source=$2
work=$(mktemp -d)
registry=
trap '[ -z "$registry" ] || kill "$registry"; rm -rf "$work"' EXIT
index=$(awk '$1 == "index.json" { print $2 }' "$source/golden/example/digests.txt")
sbom=$(awk '$1 == "sbom-x86_64.spdx.json" { print $2 }' "$source/golden/example/digests.txt")

fail() {
  echo "$1"
  cat "$work/log"
  exit 1
}
run() { "$cbuild" "$@" > "$work/out" 2> "$work/log"; }
refused() { # WORDS ARGUMENTS...: fails, and says why
  words=$1
  shift
  ! run "$@" || fail "cbuild $* did not fail"
  grep -q -e "$words" "$work/log" || fail "cbuild $*: no word of \"$words\""
}

. "$source/tests/cli/registry.sh"

mkdir "$work/layout"
for to in "$work/layout" "$work/hello.tar"; do
  run -C "$source/examples" build hello.yaml hello:example "$to" --vcs=false --offline --cache-dir "$work/cache" \
    --sbom=false || fail "building $to"
done
tar -C "$work/layout" -cf "$work/oci.tar" oci-layout index.json blobs
gzip -k "$work/hello.tar"

# The configuration, wherever the image is.
run config "$work/layout" --arch amd64 || fail "config of the layout"
cp "$work/out" "$work/config"
grep -q '^{"contents":' "$work/config" || fail "no configuration"
for image in "oci:$work/layout" "$work/hello.tar" "docker-archive:$work/hello.tar" "$work/hello.tar.gz" \
  "$work/oci.tar" "oci-archive:$work/oci.tar" "$work/layout@sha256:$index"; do
  run config "$image" --arch x86_64 || fail "config $image"
  cmp "$work/config" "$work/out" || fail "another configuration from $image"
done
refused 'linux/amd64, linux/arm64' config "$work/layout" --arch s390x
refused 'no image for riscv64' config "$work/layout" --arch riscv64
refused 'no manifest sha256:0000' config "$work/layout@sha256:$(printf '0%.0s' $(seq 64))"
tar -C "$work/layout" -cf "$work/nothing.tar" oci-layout
refused 'no member "index.json"' config "$work/nothing.tar"
tar -C "$work/layout" -cf "$work/nothing.tar" index.json
refused 'neither oci-layout nor manifest.json' config "$work/nothing.tar"

# The SBOM that the layers give is the one that the build wrote.
run sbom "$work/layout" --arch amd64 --tag hello:example || fail "sbom"
got=$(sed 's/"Tool: [^"]*"/"Tool: -"/' "$work/out" | sha256sum | cut -d' ' -f1)
[ "$got" = "$sbom" ] || fail "the SBOM is $got, want $sbom"
refused 'no SPDX document is attached' sbom "$work/layout" --from attached --arch amd64

# Copies: to a registry, within it, to a layout and back; something is attached on the way.
name=localhost:$port/team/hello
for image in "$work/layout" "$work/hello.tar" "$work/oci.tar"; do
  run copy "$image" "$name:one" || fail "copying $image"
  [ "$(cat "$work/out")" = "sha256:$index" ] || fail "copied $(cat "$work/out")"
done
python3 - "$port" "$index" <<'P' || fail "attaching"
import hashlib, json, sys, urllib.request
port, index = sys.argv[1:]
base = f'http://127.0.0.1:{port}/v2/team/hello/'
def send(method, url, body, kind):
    r = urllib.request.Request(url if '//' in url else base + url, data=body, method=method, headers={'Content-Type': kind})
    return urllib.request.urlopen(r)
def blob(body):
    d = 'sha256:' + hashlib.sha256(body).hexdigest()
    where = send('POST', 'blobs/uploads/', b'', 'application/octet-stream').headers['Location']
    send('PUT', where + ('&' if '?' in where else '?') + 'digest=' + d, body, 'application/octet-stream')
    return {'digest': d, 'size': len(body)}
def manifest(kind, layer, subject, tag):
    m = {'schemaVersion': 2, 'mediaType': 'application/vnd.oci.image.manifest.v1+json', 'artifactType': kind,
         'config': {'mediaType': 'application/vnd.oci.empty.v1+json', **blob(b'{}')},
         'layers': [{'mediaType': kind, **blob(layer)}]}
    if subject:
        m['subject'] = {'mediaType': 'application/vnd.oci.image.index.v1+json', 'digest': 'sha256:' + index, 'size': 1}
    body = json.dumps(m).encode()
    d = 'sha256:' + hashlib.sha256(body).hexdigest()
    send('PUT', 'manifests/' + (tag or d), body, m['mediaType'])
    return {'mediaType': m['mediaType'], 'digest': d, 'size': len(body), 'artifactType': kind}
d = manifest('application/spdx+json', b'{"spdxVersion": "SPDX-2.3", "name": "attached"}', True, None)
listed = {'schemaVersion': 2, 'mediaType': 'application/vnd.oci.image.index.v1+json', 'manifests': [d]}
send('PUT', 'manifests/sha256-' + index, json.dumps(listed).encode(), listed['mediaType'])
manifest('application/vnd.example.signature', b'signature', False, f'sha256-{index}.sig')
P
holds() { # REPOSITORY TAG: the digest of what the registry has under it
  python3 - "$1" "$2" <<P
import hashlib, sys, urllib.request
accept = {"Accept": "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json"}
url = "http://127.0.0.1:$port/v2/%s/manifests/%s" % tuple(sys.argv[1:])
print(hashlib.sha256(urllib.request.urlopen(urllib.request.Request(url, headers=accept)).read()).hexdigest())
P
}
run copy "$name:one" "localhost:$port/mounted/hello:two" || fail "copying within the registry"
grep -q ' 0 bytes anew' "$work/log" || fail "blobs were sent, not mounted"
run copy "$name:one" "oci:$work/air:gap" || fail "copying to a layout"
run copy "oci:$work/air:gap" "localhost:$port/back/hello:three" || fail "copying back"
run copy "oci:$work/air" "oci:$work/air2" || fail "copying a layout"
cmp "$work/air/index.json" "$work/air2/index.json" || fail "a layout's copy is another"
for where in "mounted/hello two" "back/hello three"; do
  [ "$(holds $where)" = "$index" ] || fail "$where is another image"
  for tag in "sha256-$index" "sha256-$index.sig"; do
    [ "$(holds "${where% *}" "$tag")" = "$(holds team/hello "$tag")" ] || fail "$where: $tag is another"
  done
done
run sbom "oci:$work/air:gap" --index || fail "sbom of the layout"
grep -q '"name": "attached"' "$work/out" || fail "the attached document was not found"
run copy "$work/layout" "$name:arm" --arch arm64 || fail "copying one architecture"
[ "$(holds team/hello arm)" = "$(sed 's/^sha256://' "$work/out")" ] || fail "another image for arm64"
refused 'is to become' copy "$work/layout" "$name@sha256:$(printf '0%.0s' $(seq 64))"

# Built again from what the layers hold: the same digest; of another image, what differs.
again() { (cd "$source/examples" && run reproduce "$@" --cache-dir "$work/cache" --offline); }
again "$work/layout" || fail "the example is not reproduced"
grep -q "^REPRODUCED sha256:$index (nothing was verified)" "$work/out" || fail "said $(cat "$work/out")"
again "$work/hello.tar" --arch arm64 --keep "$work/kept" || fail "the archive's image for arm64 is not reproduced"
[ -f "$work/kept/report/report.html" ] && [ -f "$work/kept/rebuilt/index.json" ] || fail "nothing was kept"
refused 'looking\|no image' reproduce "$work/layout" --arch riscv64 --offline --cache-dir "$work/cache"

# What is damaged is refused, by name.
blob=$(ls -S "$work/air/blobs/sha256" | head -n 1)
chmod u+w "$work/air/blobs/sha256/$blob"
printf X | dd of="$work/air/blobs/sha256/$blob" bs=1 seek=20 conv=notrunc 2> "$work/log"
refused "$blob" copy "oci:$work/air:gap" "localhost:$port/never/hello:bad"
! holds never/hello bad > "$work/out" 2>&1 || fail "a damaged image was copied"
echo "read, copied and copied back, digest for digest"
