#!/usr/bin/env python3
"""Make the data of the trust tests with openssl: keys, envelopes, and a bundle with its own transparency log.

make_data.py FOLDER     (keys are thrown away: running it again makes other data)
"""
import base64, hashlib, json, os, subprocess, sys, tempfile

out = sys.argv[1]
tmp = tempfile.mkdtemp()


def openssl(*args):
    return subprocess.run(['openssl', *args], check=True, capture_output=True).stdout


def b64(b):
    return base64.b64encode(b).decode()


def new_key(name, *args):
    openssl('genpkey', *args, '-out', f'{tmp}/{name}')
    return openssl('pkey', '-in', f'{tmp}/{name}', '-pubout')


def sign(name, message, *args):
    with open(f'{tmp}/m', 'wb') as f:
        f.write(message)
    if name == 'ed25519':
        return openssl('pkeyutl', '-sign', '-rawin', '-in', f'{tmp}/m', '-inkey', f'{tmp}/{name}')
    return openssl('dgst', *(args or ['-sha256']), '-sign', f'{tmp}/{name}', f'{tmp}/m')


def write(name, data):
    with open(os.path.join(out, name), 'wb') as f:
        f.write(data)


def spki(pem):
    return base64.b64decode(''.join(pem.decode().split('\n')[1:-2]))


TYPE = 'application/vnd.in-toto+json'
artifact = b'an artifact\n'
statement = json.dumps({'_type': 'https://in-toto.io/Statement/v1', 'subject': [{'name': 'artifact', 'digest': {
    'sha256': hashlib.sha256(artifact).hexdigest()}}], 'predicateType': 'https://example.com/type', 'predicate': {'a': 1}}).encode()
pae = b'DSSEv1 %d %s %d %s' % (len(TYPE), TYPE.encode(), len(statement), statement)
keys = {'p256': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
        'p384': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
        'p521': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-521'],
        'ed25519': ['-algorithm', 'ED25519'], 'rsa': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048']}
public = {}
for name, args in keys.items():
    public[name] = new_key(name, *args)
    write(name + '.pub', public[name])
signatures = [('p256', 'p256', []), ('p384', 'p384', ['-sha384']), ('p384-sha256', 'p384', ['-sha256']),
              ('p521', 'p521', ['-sha512']), ('ed25519', 'ed25519', []), ('rsa', 'rsa', ['-sha256']),
              ('rsa-pss', 'rsa', ['-sha256', '-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:digest']),
              ('p256-sha1', 'p256', ['-sha1'])]
for name, key, args in signatures:
    write(name + '.json', json.dumps({'payloadType': TYPE, 'payload': b64(statement), 'signatures': [
        {'keyid': '', 'sig': b64(sign(key, pae, *args))}]}).encode())

log_pub = spki(new_key('log', *keys['p256']))
log_id = hashlib.sha256(log_pub).digest()
signature = sign('p256', artifact)
body = json.dumps({'apiVersion': '0.0.1', 'kind': 'hashedrekord', 'spec': {
    'data': {'hash': {'algorithm': 'sha256', 'value': hashlib.sha256(artifact).hexdigest()}},
    'signature': {'content': b64(signature), 'publicKey': {'content': b64(public['p256'])}}}}, separators=(',', ':')).encode()
leaf = hashlib.sha256(b'\0' + body).digest()
sibling = hashlib.sha256(b'\0another').digest()
root = hashlib.sha256(b'\1' + sibling + leaf).digest()
note = f'log.example - 7\n2\n{b64(root)}\n'.encode()
promise = json.dumps({'body': b64(body), 'integratedTime': 1700000000, 'logID': log_id.hex(), 'logIndex': 41}, separators=(',', ':')).encode()
bundle = {'mediaType': 'application/vnd.dev.sigstore.bundle.v0.3+json', 'verificationMaterial': {
    'publicKey': {'hint': ''}, 'tlogEntries': [{
        'logIndex': '41', 'logId': {'keyId': b64(log_id)}, 'kindVersion': {'kind': 'hashedrekord', 'version': '0.0.1'},
        'integratedTime': '1700000000', 'inclusionPromise': {'signedEntryTimestamp': b64(sign('log', promise))},
        'inclusionProof': {'logIndex': '1', 'rootHash': b64(root), 'treeSize': '2', 'hashes': [b64(sibling)],
                           'checkpoint': {'envelope': note.decode() + '\n\u2014 log.example ' + b64(log_id[:4] + sign('log', note)) + '\n'}},
        'canonicalizedBody': b64(body)}]},
    'messageSignature': {'messageDigest': {'algorithm': 'SHA2_256', 'digest': b64(hashlib.sha256(artifact).digest())},
                         'signature': b64(signature)}}
write('bundle.json', json.dumps(bundle, ensure_ascii=False, separators=(',', ':')).encode())
write('root.json', json.dumps({'mediaType': 'application/vnd.dev.sigstore.trustedroot+json;version=0.1', 'tlogs': [{
    'baseUrl': 'https://log.example', 'hashAlgorithm': 'SHA2_256', 'publicKey': {
        'rawBytes': b64(log_pub), 'keyDetails': 'PKIX_ECDSA_P256_SHA_256', 'validFor': {
            'start': '2023-01-01T00:00:00Z', 'end': '2023-11-14T22:13:20Z'}}, 'logId': {'keyId': b64(log_id)}}]}, separators=(',', ':')).encode())
