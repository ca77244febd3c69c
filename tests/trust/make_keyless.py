#!/usr/bin/env python3
"""Make a good keyless bundle with its own authorities and logs, and ways of tampering with it, with openssl.

make_keyless.py FILE     (keys are thrown away: running it again makes other data)

FILE is JSON: `good` (bundle, trusted root, what is asked), and `cases`: a name, edits, and what the refusal says (null:
accepted). An edit is [document, path, value] with documents bundle, root and asked, null to delete; or [document,
"replace", old, new] on its text, after all other edits. Where a tampering would be seen by more than one check, all
else is made anew and signed, so that only the check in question can see it.
"""
import base64, copy, datetime, hashlib, json, struct, subprocess, sys, tempfile, time

tmp = tempfile.mkdtemp()
NOW = int(time.time())
TYPE = 'application/vnd.in-toto+json'
IDENTITY, ISSUER = 'https://github.com/acme/app/.github/workflows/build.yml@refs/heads/main', 'https://token.example'
IMAGE = hashlib.sha256(b'an image').hexdigest()


def openssl(*args, **kw):
    return subprocess.run(['openssl', *args], check=True, capture_output=True, **kw).stdout


def b64(b):
    return base64.b64encode(b).decode()


def sha(b):
    return hashlib.sha256(b).digest()


class Key:
    def __init__(self, name):
        self.path = f'{tmp}/{name}'
        openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', self.path)
        self.spki = openssl('pkey', '-in', self.path, '-pubout', '-outform', 'DER')
        self.id = sha(self.spki)

    def sign(self, message):
        return openssl('dgst', '-sha256', '-sign', self.path, input=message)


# ---- DER and certificates

def der(tag, *parts):
    body = b''.join(parts)
    n = len(body)
    size = bytes([n]) if n < 128 else (lambda s: bytes([0x80 | len(s)]) + s)(n.to_bytes((n.bit_length() + 7) // 8, 'big'))
    return bytes([tag]) + size + body


def oid(text):
    a, b, *rest = map(int, text.split('.'))
    out = bytes([a * 40 + b])
    for v in rest:
        part = [v & 127]
        while v := v >> 7:
            part.append(v & 127 | 128)
        out += bytes(reversed(part))
    return der(6, out)


seq = lambda *p: der(0x30, *p)
ECDSA = seq(oid('1.2.840.10045.4.3.2'))
SCT_OID = '1.3.6.1.4.1.11129.2.4.2'
FULCIO = '1.3.6.1.4.1.57264.1.'


def name(text):
    return seq(der(0x31, seq(oid('2.5.4.3'), der(0x0c, text.encode()))))


def moment(t):
    return der(0x18, datetime.datetime.utcfromtimestamp(t).strftime('%Y%m%d%H%M%SZ').encode())


def extension(o, value, critical=False):
    return seq(oid(o), *([der(1, b'\xff')] if critical else []), der(4, value))


serial = [4096]


def tbs(subject, key, issuer, start, end, extensions, number):
    return seq(der(0xa0, der(2, b'\2')), der(2, number), ECDSA, name(issuer), seq(moment(start), moment(end)), name(subject),
               key.spki, der(0xa3, seq(*extensions)))


def certificate(subject, key, issuer, by, start, end, extensions):
    serial[0] += 1
    body = tbs(subject, key, issuer, start, end, extensions, serial[0].to_bytes(2, 'big'))
    return seq(body, ECDSA, der(3, b'\0' + by.sign(body)))


def authority(subject, key, issuer, by, start=NOW - 10**7, end=NOW + 10**8):
    return certificate(subject, key, issuer, by, start, end, [
        extension('2.5.29.19', seq(der(1, b'\xff')), True), extension('2.5.29.15', der(3, b'\1\6'), True)])


usage = extension('2.5.29.15', der(3, b'\7\x80'), True)
code_signing = extension('2.5.29.37', seq(oid('1.3.6.1.5.5.7.3.3')))
workflow = [extension(FULCIO + n, v.encode()) for n, v in (('2', 'push'), ('3', 'c0ffee'), ('4', 'build'), ('5', 'acme/app'), ('6', 'refs/heads/main'))]
workflow_new = [extension(FULCIO + n, der(0x0c, v.encode())) for n, v in (('20', 'push'), ('13', 'c0ffee'), ('12', 'https://github.com/acme/app'), ('14', 'refs/heads/main'))]
issuer_new, issuer_old = extension(FULCIO + '8', der(0x0c, ISSUER.encode())), extension(FULCIO + '1', ISSUER.encode())


def san(*uris):
    return extension('2.5.29.17', seq(*(der(0x86, u.encode()) for u in uris)), True)


root_key, mid_key, ct_key, other_ct, log_key, other = map(Key, ('root', 'mid', 'ct', 'ct2', 'log', 'other'))
signer, signer2, tsa_key, tsa2_key, bad_root, bad_mid = map(Key, ('signer', 'signer2', 'tsa', 'tsa2', 'broot', 'bmid'))


def sct(tbs_der, by=ct_key, log=ct_key, issuer=mid_key, t=NOW, spoil=False):
    ms = struct.pack('>Q', t * 1000)
    sig = by.sign(b'\0\0' + ms + b'\0\1' + issuer.id + len(tbs_der).to_bytes(3, 'big') + tbs_der + b'\0\0')
    if spoil:
        sig = sig[:-1] + bytes([sig[-1] ^ 1])
    one = b'\0' + log.id + ms + b'\0\0' + b'\4\3' + struct.pack('>H', len(sig)) + sig
    one = struct.pack('>H', len(one)) + one
    return extension(SCT_OID, der(4, struct.pack('>H', len(one)) + one))


def leaf(key=signer, by=mid_key, start=NOW - 300, end=NOW + 300, extensions=None, promise=sct, issuer='mid', **how):
    serial[0] += 1
    number = serial[0].to_bytes(2, 'big')
    ext = extensions or [usage, code_signing, san(IDENTITY), issuer_new, issuer_old, *workflow]
    pre = tbs('', key, issuer, start, end, ext, number)
    if callable(promise):
        promise = promise(pre, **how)
    body = tbs('', key, issuer, start, end, [*ext, promise], number) if promise else pre
    return seq(body, ECDSA, der(3, b'\0' + by.sign(body)))


# ---- bundles

def pem(cert):
    return '-----BEGIN CERTIFICATE-----\n' + ''.join(b64(cert)[i:i + 64] + '\n' for i in range(0, len(b64(cert)), 64)) + '-----END CERTIFICATE-----\n'


def statement(**change):
    s = {'_type': 'https://in-toto.io/Statement/v1', 'subject': [{'name': 'image', 'digest': {'sha256': IMAGE}}],
         'predicateType': 'https://example.com/type', 'predicate': {'a': 1}, **change}
    return json.dumps({k: v for k, v in s.items() if v is not None}).encode()


def pae(payload, kind=TYPE):
    return b'DSSEv1 %d %s %d %s' % (len(kind), kind.encode(), len(payload), payload)


def entry(payload, sig, cert, t=NOW, by=log_key, root=None, size=2, note_by=log_key, hint=None, promise=True, note_size=None):
    body = json.dumps({'apiVersion': '0.0.1', 'kind': 'dsse', 'spec': {
        'envelopeHash': {'algorithm': 'sha256', 'value': '0' * 64}, 'payloadHash': {'algorithm': 'sha256', 'value': sha(payload).hex()},
        'signatures': [{'signature': b64(sig), 'verifier': b64(pem(cert).encode())}]}}, separators=(',', ':')).encode()
    sibling = sha(b'\0another')
    top = sha(b'\1' + sibling + sha(b'\0' + body))
    note = f'log.example - 7\n{note_size or size}\n{b64(root or top)}\n'.encode()
    set_ = json.dumps({'body': b64(body), 'integratedTime': t, 'logID': log_key.id.hex(), 'logIndex': 41}, separators=(',', ':')).encode()
    e = {'logIndex': '41', 'logId': {'keyId': b64(log_key.id)}, 'kindVersion': {'kind': 'dsse', 'version': '0.0.1'},
         'integratedTime': str(t), 'inclusionPromise': {'signedEntryTimestamp': b64(by.sign(set_))},
         'inclusionProof': {'logIndex': '1', 'rootHash': b64(top), 'treeSize': str(size), 'hashes': [b64(sibling)],
                            'checkpoint': {'envelope': note.decode() + '\n\u2014 log.example ' + b64((hint or log_key.id[:4]) + note_by.sign(note)) + '\n'}},
         'canonicalizedBody': b64(body)}
    if not promise:
        del e['inclusionPromise']
    return e


def tsa_chain(key, subject):
    cert = certificate(subject, key, 'root', root_key, NOW - 10**6, NOW + 10**8, [
        extension('2.5.29.15', der(3, b'\7\x80'), True), extension('2.5.29.37', seq(oid('1.3.6.1.5.5.7.3.8')), True)])
    return cert


def timestamp(message, key, cert):
    with open(f'{tmp}/tsa.pem', 'w') as f:
        f.write(pem(cert))
    with open(f'{tmp}/tsa.cnf', 'w') as f:
        f.write(f'[tsa]\nserial={tmp}/serial\nsigner_digest=sha256\ndigests=sha256\ndefault_policy=1.2.3.4\n'
                'ess_cert_id_alg=sha256\n')
    with open(f'{tmp}/serial', 'w') as f:
        f.write('01\n')
    with open(f'{tmp}/q', 'wb') as f:
        f.write(openssl('ts', '-query', '-digest', sha(message).hex(), '-sha256', '-no_nonce'))
    return openssl('ts', '-reply', '-config', f'{tmp}/tsa.cnf', '-section', 'tsa', '-queryfile', f'{tmp}/q', '-inkey', key.path,
                   '-signer', f'{tmp}/tsa.pem')


root_cert = authority('root', root_key, 'root', root_key)
mid_cert = authority('mid', mid_key, 'root', root_key)
tsa_cert, tsa2_cert = tsa_chain(tsa_key, 'tsa'), tsa_chain(tsa2_key, 'tsa2')
CERT = leaf()


def bundle(payload=None, cert=CERT, by=signer, kind=TYPE, stamp=True, log=None, **how):
    payload = payload or statement()
    sig = by.sign(pae(payload, kind))
    b = {'mediaType': 'application/vnd.dev.sigstore.bundle.v0.3+json', 'verificationMaterial': {
        'certificate': {'rawBytes': b64(cert)}, 'tlogEntries': [log or entry(payload, sig, cert, **how)],
        'timestampVerificationData': {'rfc3161Timestamps': [{'signedTimestamp': b64(timestamp(sig, tsa_key, tsa_cert))}]}},
        'dsseEnvelope': {'payload': b64(payload), 'payloadType': kind, 'signatures': [{'sig': b64(sig)}]}}
    if not stamp:
        del b['verificationMaterial']['timestampVerificationData']
    return b


iso = lambda t: datetime.datetime.utcfromtimestamp(t).strftime('%Y-%m-%dT%H:%M:%SZ')
span = lambda a=NOW - 10**6, b=None: {'start': iso(a), **({'end': iso(b)} if b else {})}


def log_of(key):
    return {'baseUrl': 'https://log.example', 'hashAlgorithm': 'SHA2_256', 'publicKey': {
        'rawBytes': b64(key.spki), 'keyDetails': 'PKIX_ECDSA_P256_SHA_256', 'validFor': span()}, 'logId': {'keyId': b64(key.id)}}


def party(*certs):
    return {'uri': 'https://ca.example', 'certChain': {'certificates': [{'rawBytes': b64(c)} for c in certs]}, 'validFor': span()}


good = {'bundle': bundle(), 'root': {'mediaType': 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
        'tlogs': [log_of(log_key)], 'ctlogs': [log_of(ct_key)], 'certificateAuthorities': [party(mid_cert, root_cert)],
        'timestampAuthorities': [party(tsa_cert, root_cert)]},
        'asked': {'image': IMAGE, 'type': 'https://example.com/type', 'identity': IDENTITY, 'issuer': ISSUER}}
cases = []


def case(name, refused, *edits):
    cases.append({'name': name, 'refused': refused, 'edits': list(edits)})


def made(name, refused, *edits, **how):
    """A bundle made anew, where only what `how` says is other."""
    case(name, refused, ['bundle', '', bundle(**how)], *edits)


V = 'verificationMaterial/'
E, P, S = V + 'tlogEntries/0/', V + 'tlogEntries/0/inclusionProof/', 'dsseEnvelope/signatures/0/sig'
flip = lambda text: b64((lambda b: b[:-1] + bytes([b[-1] ^ 1]))(base64.b64decode(text)))
g = good['bundle']
ge = g['verificationMaterial']['tlogEntries'][0]
sig_of = lambda b: b['dsseEnvelope']['signatures'][0]['sig']

case('good', None)
made('good, made again', None)
case('good without a timestamp', None, ['bundle', V + 'timestampVerificationData', None])
made('good without a promise, by the timestamp', None, promise=False)
made('good with the new extensions only', None, ['asked', 'workflow_repository', 'acme/app'], ['asked', 'workflow_trigger', 'push'],
     cert=leaf(extensions=[usage, code_signing, san(IDENTITY), issuer_new, *workflow_new]))
made('good with the old extensions only', None, cert=leaf(extensions=[usage, code_signing, san(IDENTITY), issuer_old, *workflow]))
case('good by patterns', None, ['asked', 'identity_pattern', '^https://github\\.com/acme/app/.*@refs/heads/main$'], ['asked', 'issuer_pattern', '^https://token\\.'])
case('good without a log that is asked for', None, ['asked', 'ignore_log', True], ['bundle', V + 'tlogEntries', []])

NOT_SIGNED = 'the signature does not match'
case('payload changed', NOT_SIGNED, ['bundle', 'dsseEnvelope/payload', b64(statement(predicate={'a': 2}))])
case('payload type changed', NOT_SIGNED, ['bundle', 'dsseEnvelope/payloadType', TYPE + 'x'])
case('signature changed', NOT_SIGNED, ['bundle', S, flip(sig_of(g))])
made('signature by another key', NOT_SIGNED, by=signer2)
case('signature of another envelope', NOT_SIGNED, ['bundle', S, b64(signer.sign(pae(b'{}')))])
case('certificate of another key', NOT_SIGNED, ['bundle', V + 'certificate/rawBytes', b64(leaf(key=signer2))])
case('no signature', 'no signature', ['bundle', 'dsseEnvelope/signatures', []])
case('two signatures', 'has one', ['bundle', 'dsseEnvelope/signatures', [{'sig': sig_of(g)}] * 2])
case('signature with white space', 'not base64', ['bundle', S, sig_of(g)[:8] + '\n' + sig_of(g)[8:]])
case('signature without padding', 'not base64', ['bundle', 'dsseEnvelope/payload', b64(statement() + b' ').rstrip('=') if b64(statement() + b' ').endswith('=') else b64(statement() + b'  ').rstrip('=')])
case('payload twice', 'payload', ['bundle', 'replace', '"payloadType"', '"payload":"e30=","payloadType"'])
case('payload in another case', 'PAYLOAD', ['bundle', 'replace', '"payloadType"', '"PAYLOAD":"e30=","payloadType"'])
case('text after the bundle', 'bundle', ['bundle', 'replace', '"mediaType"', '}{"mediaType"'])
case('envelope and message', 'wanted one of', ['bundle', 'messageSignature', {'signature': 'AAAA'}])
case('another media type', 'mediaType', ['bundle', 'mediaType', 'application/vnd.dev.sigstore.bundle.v0.4+json'])
case('a chain in a bundle v0.3', 'x509CertificateChain', ['bundle', V + 'certificate', None], ['bundle', V + 'x509CertificateChain', {'certificates': [{'rawBytes': b64(CERT)}]}])

made('another subject', 'it is about sha256:', payload=statement(subject=[{'name': 'image', 'digest': {'sha256': sha(b'x').hex()}}]))
made('subject in capitals', 'it is about sha256:', payload=statement(subject=[{'name': 'image', 'digest': {'sha256': IMAGE.upper()}}]))
made('subject with another algorithm', 'it is about sha256:', payload=statement(subject=[{'name': 'image', 'digest': {'sha512': IMAGE}}]))
made('no subject', 'no subject', payload=statement(subject=[]))
made('another statement type', 'a statement of type', payload=statement(_type='https://in-toto.io/Statement/v2'))
made('no predicate type', 'predicateType', payload=statement(predicateType=None))
made('another predicate type', 'its predicate is of type', payload=statement(predicateType='https://example.com/typo'))
made('subject twice', 'subject', payload=statement().replace(b'"predicate":', b'"subject": [], "predicate":'))
made('another payload type', 'a payload of type', kind='application/json')
case('another image', 'it is about sha256:', ['asked', 'image', sha(b'y').hex()])

INVALID = 'the certificate was not valid'
bad_chain = leaf(by=bad_mid, issuer='mid')
made('certificate by another authority', INVALID, cert=bad_chain)
made('certificate expired before', INVALID, cert=leaf(start=NOW - 900, end=NOW - 600))
made('certificate not valid yet', INVALID, cert=leaf(start=NOW + 600, end=NOW + 900))
made('certificate expired at the log\'s time', INVALID, t=NOW + 301)
spoilt = CERT[:-1] + bytes([CERT[-1] ^ 1])
made('certificate with a broken signature', INVALID, cert=spoilt)
case('intermediate expired', INVALID, ['root', 'certificateAuthorities', [party(authority('mid', mid_key, 'root', root_key, end=NOW - 10), root_cert)]])
case('another root of the authority', INVALID, ['root', 'certificateAuthorities', [party(mid_cert, authority('root', bad_root, 'root', bad_root))]])
case('authority no longer believed', INVALID, ['root', 'certificateAuthorities/0/validFor/end', iso(NOW - 1000)])
case('authority not yet believed', INVALID, ['root', 'certificateAuthorities/0/validFor/start', iso(NOW + 1000)])
base = [code_signing, san(IDENTITY), issuer_new]
ca = extension('2.5.29.19', seq(der(1, b'\xff')), True)
made('certificate of an authority', "an authority's", cert=leaf(extensions=[ca, usage, *base]))
made('certificate not for signatures', 'is not for signing', cert=leaf(extensions=[extension('2.5.29.15', der(3, b'\5\x20'), True), *base]))
made('certificate not for code', 'not for code signing', cert=leaf(extensions=[usage, san(IDENTITY), issuer_new, extension('2.5.29.37', seq(oid('1.3.6.1.5.5.7.3.1')))]))
made('certificate with two names', 'usable names', cert=leaf(extensions=[usage, code_signing, san(IDENTITY, 'https://evil.example'), issuer_new]))
made('certificate without a name', 'usable names', cert=leaf(extensions=[usage, code_signing, issuer_new]))
made('certificate with NUL in its name', 'usable names', cert=leaf(extensions=[usage, code_signing, san(IDENTITY + '\0.evil'), issuer_new]))
made('certificate with two issuers', 'names two issuers', cert=leaf(extensions=[usage, *base, extension(FULCIO + '1', b'https://other.example')]))
made('certificate with an issuer twice', 'malformed', cert=leaf(extensions=[usage, *base, issuer_new]))
case('bytes after the certificate', 'bytes follow', ['bundle', V + 'certificate/rawBytes', b64(CERT + b'\0')])
NO_SCT = 'SCT'
made('certificate without SCT', 'has no SCT', cert=leaf(promise=None))
made('SCT by an unknown log', "none of the certificate's SCTs", cert=leaf(by=mid_key, promise=lambda pre: sct(pre, by=other_ct, log=other_ct)))
made('SCT by another key', "none of the certificate's SCTs", cert=leaf(promise=lambda pre: sct(pre, by=other_ct)))
made('SCT with a broken signature', "none of the certificate's SCTs", cert=leaf(promise=lambda pre: sct(pre, spoil=True)))
made('SCT of another certificate', "none of the certificate's SCTs", cert=leaf(promise=lambda pre: sct(pre[:-1] + b'x')))
made('SCT for another issuer', "none of the certificate's SCTs", cert=leaf(promise=lambda pre: sct(pre, issuer=other)))
case('SCT outside of its log\'s time', "none of the certificate's SCTs", ['root', 'ctlogs/0/publicKey/validFor/end', iso(NOW - 1000)])
case('SCT log with another key', "none of the certificate's SCTs", ['root', 'ctlogs/0/publicKey/rawBytes', b64(other_ct.spki)])

stranger = statement(predicate={'a': 3})
made('entry of another artifact', 'about another artifact', log=entry(stranger, signer.sign(pae(statement())), CERT))
case('entry of another signature', 'about another signature', ['bundle', V + 'tlogEntries', [entry(statement(), signer.sign(pae(stranger)), CERT)]])
case('entry of another certificate', 'about another certificate', ['bundle', V + 'tlogEntries', [entry(statement(), base64.b64decode(sig_of(g)), leaf())]])
case('entry of another kind', 'of kind', ['bundle', E + 'kindVersion/kind', 'intoto'])
case('entry of another version', 'of kind', ['bundle', E + 'kindVersion/version', '0.0.2'])
case('entry of an unknown log', 'does not name', ['bundle', E + 'logId/keyId', b64(other.id)])
case('no entry', 'no entry', ['bundle', V + 'tlogEntries', []])
case('integrated time changed', "the log's promise", ['bundle', E + 'integratedTime', str(NOW + 1)])
case('log index changed', "the log's promise", ['bundle', E + 'logIndex', '42'])
case('promise changed', "the log's promise", ['bundle', E + 'inclusionPromise/signedEntryTimestamp', flip(ge['inclusionPromise']['signedEntryTimestamp'])])
case('promise by another key', "the log's promise", ['bundle', V + 'tlogEntries', [entry(statement(), base64.b64decode(sig_of(g)), CERT, by=other)]])
case('the log\'s key is another', "the log's promise", ['root', 'tlogs/0/publicKey/rawBytes', b64(other.spki)])
NO_PROOF = 'the inclusion proof does not lead'
case('proof with another hash', NO_PROOF, ['bundle', P + 'hashes/0', b64(sha(b'z'))])
case('proof with another index', NO_PROOF, ['bundle', P + 'logIndex', '0'])
case('proof with another size', NO_PROOF, ['bundle', P + 'treeSize', '3'])
case('proof too short', NO_PROOF, ['bundle', P + 'hashes', []])
case('proof too long', NO_PROOF, ['bundle', P + 'hashes', ge['inclusionProof']['hashes'] * 2])
case('proof of another root', NO_PROOF, ['bundle', P + 'rootHash', b64(sha(b'z'))])
case('no proof', 'no inclusion proof', ['bundle', E + 'inclusionProof', None])
remade = lambda **how: ['bundle', V + 'tlogEntries', [entry(statement(), base64.b64decode(sig_of(g)), CERT, **how)]]
case('checkpoint of another tree', 'its root hash is not', remade(root=sha(b'z')))
case('checkpoint of another size', 'it is of a tree of 3 entries', remade(note_size=3))
case('checkpoint by another key', 'none of its signatures', remade(note_by=other))
case('checkpoint with another hint', 'none of its signatures', remade(hint=b'abcd'))
case('checkpoint under another name', 'none of its signatures', ['bundle', P + 'checkpoint/envelope', ge['inclusionProof']['checkpoint']['envelope'].replace('\u2014 log.example', '\u2014 log.evil')])
case('no checkpoint', 'without a checkpoint', ['bundle', P + 'checkpoint', None])
case('log no longer valid', 'was not valid at the time', ['root', 'tlogs/0/publicKey/validFor/end', iso(NOW - 1000)])
case('log not yet valid', 'was not valid at the time', ['root', 'tlogs/0/publicKey/validFor/start', iso(NOW + 1000)])
case('log without a beginning', 'from when', ['root', 'tlogs/0/publicKey/validFor/start', None])

D = V + 'timestampVerificationData/rfc3161Timestamps'
NOT_STAMPED = 'is not over this signature'
stamp = lambda m, k=tsa_key, c=tsa_cert: [{'signedTimestamp': b64(timestamp(m, k, c))}]
case('timestamp of another signature', NOT_STAMPED, ['bundle', D, stamp(b'another')])
case('timestamp by another authority', NOT_STAMPED, ['bundle', D, stamp(base64.b64decode(sig_of(g)), tsa2_key, tsa2_cert)])
case('timestamp authority with another key', NOT_STAMPED, ['root', 'timestampAuthorities', [party(tsa_chain(tsa2_key, 'tsa'), root_cert)]])
case('timestamp authority no longer believed', NOT_STAMPED, ['root', 'timestampAuthorities/0/validFor/end', iso(NOW - 1000)])
case('timestamp malformed', 'malformed timestamp', ['bundle', D, [{'signedTimestamp': 'MAA='}]])
case('timestamp asked for', 'no signed timestamp', ['asked', 'needs_timestamp', True], ['bundle', D, []])
made('a time that nobody promises', 'says when it was signed', promise=False, stamp=False)

ANOTHER = 'signed by ' + IDENTITY
for what, text in (('of another', IDENTITY.replace('acme', 'acne')), ('cut short', IDENTITY[:-1]), ('longer', IDENTITY + '2'),
                   ('in another case', IDENTITY.replace('github', 'GitHub')), ('without scheme', IDENTITY[8:]), ('of another ref', IDENTITY.replace('main', 'mine')), ('of nobody', '')):
    case('identity ' + what, ANOTHER, ['asked', 'identity', text])
for what, text in (('of another', 'https://tokem.example'), ('with a slash', ISSUER + '/'), ('by http', ISSUER.replace('https', 'http')), ('of nobody', '')):
    case('issuer ' + what, 'vouched for by ' + ISSUER, ['asked', 'issuer', text])
for what, text in (('of another', '^https://github\\.com/evil/'), ('anchored at the end too early', '^https://github\\.com/acme/app$'),
                   ('in another case', '^HTTPS://'), ('of a tag', '@refs/tags/v\\d+$')):
    case('pattern ' + what, 'you asked for what matches', ['asked', 'identity_pattern', text])
case('issuer pattern of another', 'you asked for what matches', ['asked', 'issuer_pattern', '^https://accounts\\.'])
for what, text in (('trigger', 'pull_request'), ('sha', 'c0ffe'), ('name', 'Build'), ('repository', 'acme/ap'), ('ref', 'refs/heads/mai')):
    case('workflow ' + what, 'signed by a GitHub workflow with', ['asked', 'workflow_' + what, text])
made('workflow that is not named', 'names no GitHub workflow', ['asked', 'workflow_ref', 'refs/heads/main'], cert=leaf(extensions=[usage, *base]))
case('a key instead of a certificate', "you asked for a certificate's identity", ['bundle', V + 'certificate', None], ['bundle', V + 'publicKey', {'hint': ''}])
made('expired certificate without a log', INVALID, ['asked', 'ignore_log', True], cert=leaf(start=NOW - 900, end=NOW - 600), stamp=False)
good['now'] = NOW
with open(sys.argv[1], 'w') as f:
    json.dump({'good': good, 'cases': cases}, f, separators=(',', ':'), ensure_ascii=False)
print(len(cases), 'cases')
