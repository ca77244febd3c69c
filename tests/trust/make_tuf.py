#!/usr/bin/env python3
"""Make the repositories of the TUF test with openssl, good ones and such as must be refused.

make_tuf.py FILE     (keys are thrown away: running it again makes other data)

FILE is JSON: documents by a short name ("7+20": the seventh and 20 spaces); scenes, each a list of steps: which document is served under which path, and
what the refusal must say (null: accepted). A scene begins with an empty folder, and each of its steps is an update.
"""
import base64, copy, hashlib, json, subprocess, sys, tempfile

tmp = tempfile.mkdtemp()
NOW = 1700000000  # 2023-11-14
LATER, GONE = '2023-12-01T00:00:00Z', '2023-11-01T00:00:00Z'


def openssl(*args):
    return subprocess.run(['openssl', *args], check=True, capture_output=True).stdout


class Key:
    def __init__(self, name, kind='p256'):
        self.path, self.kind, self.id = f'{tmp}/{name}', kind, hashlib.sha256(name.encode()).hexdigest()
        how = ['-algorithm', 'ED25519'] if kind == 'ed25519' else ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256']
        openssl('genpkey', *how, '-out', self.path)
        der = openssl('pkey', '-in', self.path, '-pubout', '-outform', 'DER')
        pem = openssl('pkey', '-in', self.path, '-pubout').decode()
        if kind == 'ed25519':
            self.public = {'keytype': 'ed25519', 'scheme': 'ed25519', 'keyval': {'public': der[-32:].hex()}}
        elif kind == 'hex':  # as the first roots of Sigstore's have it
            self.public = {'keytype': 'ecdsa-sha2-nistp256', 'scheme': 'ecdsa-sha2-nistp256', 'keyval': {'public': der[-65:].hex()}}
        else:
            self.public = {'keytype': 'ecdsa', 'scheme': 'ecdsa-sha2-nistp256', 'keyval': {'public': pem}}

    def sign(self, message):
        with open(f'{tmp}/m', 'wb') as f:
            f.write(message)
        if self.kind == 'ed25519':
            return openssl('pkeyutl', '-sign', '-rawin', '-in', f'{tmp}/m', '-inkey', self.path)
        return openssl('dgst', '-sha256', '-sign', self.path, f'{tmp}/m')


def canonical(v):
    if isinstance(v, dict):
        return '{' + ','.join(canonical(k) + ':' + canonical(v[k]) for k in sorted(v)) + '}'
    if isinstance(v, list):
        return '[' + ','.join(map(canonical, v)) + ']'
    if isinstance(v, str):
        return '"' + v.replace('\\', '\\\\').replace('"', '\\"') + '"'
    return json.dumps(v)


def document(signed, *keys, ids=None):
    message = canonical(signed).encode()
    sigs = [{'keyid': i, 'sig': k.sign(message).hex()} for k, i in zip(keys, ids or [k.id for k in keys])]
    return json.dumps({'signatures': sigs, 'signed': signed}, indent=1)


def body(kind, version, expires=LATER, **rest):
    return {'_type': kind, 'spec_version': '1.0.31', 'version': version, 'expires': expires, **rest}


a, b, c, other, delegate = Key('a'), Key('b', 'hex'), Key('c', 'ed25519'), Key('other'), Key('delegate')
online, online2 = Key('online'), Key('online2')


def root(version, roots=(a, b), threshold=2, expires=LATER, when=online, extra=None, **rest):
    keys = {k.id: k.public for k in (*roots, c, when)}
    keys.update(extra or {})
    role = lambda t, *ks: {'keyids': [k.id for k in ks], 'threshold': t}
    return body('root', version, expires, consistent_snapshot=True, keys=keys, roles={
        'root': role(threshold, *roots), 'timestamp': role(1, when), 'snapshot': role(1, when), 'targets': role(1, c)}, **rest)


def claim(text, version=None):
    d = {'length': len(text.encode()), 'hashes': {'sha256': hashlib.sha256(text.encode()).hexdigest()}}
    return {**d, 'version': version} if version else d


THING, INNER = 'a trusted root\n', 'delegated\n'
h = lambda t: hashlib.sha256(t.encode()).hexdigest()


def delegation(name='inner', key=delegate, paths=('d/*',), terminating=True):
    return {'keys': {delegate.id: delegate.public}, 'roles': [{'name': name, 'keyids': [key.id], 'threshold': 1,
            'paths': list(paths), 'terminating': terminating}]}


def targets(version, expires=LATER, things=None, **rest):
    return body('targets', version, expires, targets=things if things is not None else {'trusted_root.json': claim(THING)},
                delegations=rest.pop('delegations', delegation()), **rest)


def inner(version=1, **rest):
    return body('targets', version, targets={'d/x': claim(INNER)}, **rest)


docs, texts = {}, {}


def keep(text):
    """The short name of a document; spaces at its end are said by their number."""
    bare = text.rstrip(' ')
    if bare != text:
        return f'{keep(bare)}+{len(text) - len(bare)}'
    if text not in texts:
        texts[text] = f'{len(texts)}'
        docs[texts[text]] = text
    return texts[text]


R1, R2 = document(root(1), a, b), document(root(2, expires=GONE), a, b)
R3 = document(root(3), a, b)


def repository(v=5, roots=None, **change):
    """All documents of a good repository at some point in time; change replaces the bodies or texts of some of them."""
    d = {}
    d['inner'] = change.get('inner') or document(inner(), delegate)
    d['targets'] = change.get('targets') or document(targets(v), c)
    meta = {'targets.json': {'version': v}, 'inner.json': {'version': 1}}
    d['snapshot'] = change.get('snapshot') or document(body('snapshot', v, meta=change.get('meta') or meta), change.get('when', online))
    promised = change.get('promised') or claim(d['snapshot'], v)
    d['timestamp'] = change.get('timestamp') or document(body('timestamp', v, meta={'snapshot.json': promised}), change.get('when', online))
    files = {'2.root.json': R2, '3.root.json': R3, 'timestamp.json': d['timestamp'], f'{v}.snapshot.json': d['snapshot'],
             f'{v}.targets.json': d['targets'], '1.inner.json': d['inner'], f'targets/{h(THING)}.trusted_root.json': THING,
             f'targets/d/{h(INNER)}.x': INNER}
    files.update(roots or {})
    return {k: t for k, t in files.items() if t is not None}


scenes = []


def scene(name, *steps, first=R1):
    """A step: files, what the refusal says (None: accepted), the target asked for."""
    scenes.append({'name': name, 'first': keep(first), 'steps': [
        {'files': {k: keep(t) for k, t in s[0].items()}, 'refused': s[1] if len(s) > 1 else None,
         'target': s[2] if len(s) > 2 else 'trusted_root.json'} for s in steps]})


good = repository()
scene('accepted, and again', (good,), (good,))
scene('a newer one', (good,), (repository(6),))
scene('a delegated target', (good, None, 'd/x'))
scene('an intermediate root may have expired, the last may not', (repository(roots={'3.root.json': None}), 'root.json: it has expired'))
scene('expired timestamp', (repository(timestamp=document(body('timestamp', 5, GONE, meta={'snapshot.json': {'version': 5}}), online)), 'timestamp.json: it has expired'))
old = document(body('snapshot', 5, GONE, meta={'targets.json': {'version': 5}, 'inner.json': {'version': 1}}), online)
scene('expired snapshot', (repository(snapshot=old), 'snapshot.json: it has expired'))
scene('expired targets', (repository(targets=document(targets(5, GONE), c)), 'targets.json: it has expired'))
scene('timestamp rolled back', (repository(6),), (good, 'timestamp.json: version 5, where version 6 was seen before'))
scene('snapshot rolled back', (good,), (repository(timestamp=document(body('timestamp', 7, meta={'snapshot.json': {'version': 4}}), online)),
                                        'snapshot.json: version 4, where version 5 was seen before'))
back = document(body('snapshot', 6, meta={'targets.json': {'version': 4}, 'inner.json': {'version': 1}}), online)
scene('targets rolled back', (good,), *2 * [(repository(6, snapshot=back), 'targets.json: version 4, where version 5 was seen before')])
less = document(body('snapshot', 6, meta={'targets.json': {'version': 6}}), online)
scene('snapshot drops a role', (good,), *2 * [(repository(6, snapshot=less), 'inner.json: expected an object')])
other_snapshot = document(body('snapshot', 4, meta={'targets.json': {'version': 5}, 'inner.json': {'version': 1}}), online)
scene('snapshot of another time', (repository(snapshot=other_snapshot, promised={'version': 5}), 'snapshot.json: version 4, not 5'))
scene('targets of another time', (repository(targets=document(targets(4), c)), 'targets.json: version 4, not 5'))
scene('snapshot with another hash', (repository(promised={**claim('x' * 4000, 5), 'length': 4000}), 'snapshot.json: it has'))
same = document(body('snapshot', 5, meta={'targets.json': {'version': 5}, 'inner.json': {'version': 1}}), online)
scene('snapshot with another hash of the same length', (repository(snapshot=same, promised={'version': 5, 'length': len(same), 'hashes': {'sha256': h('y')}}), 'its hash is'))
scene('snapshot longer than promised', (repository(promised={'version': 5, 'length': 10}), 'more than'))
scene('oversized timestamp', (repository(timestamp=good['timestamp.json'] + ' ' * 17000), 'more than'))
scene('oversized root', (repository(roots={'2.root.json': R2 + ' ' * 512000}), 'more than'))
scene('timestamp by another key', (repository(timestamp=document(body('timestamp', 5, meta={'snapshot.json': {'version': 5}}), other, ids=[online.id])), 'timestamp.json: 0 of the keys'))
scene('timestamp by a key of another role', (repository(timestamp=document(body('timestamp', 5, meta={'snapshot.json': {'version': 5}}), c)), 'timestamp.json: 0 of the keys'))
scene('timestamp changed', (repository(timestamp=good['timestamp.json'].replace('"version": 5,\n   "length"', '"version": 5, "x": 1,\n   "length"').replace('2023-12-01', '2024-12-01')), 'timestamp.json: 0 of the keys'))
scene('snapshot changed', (repository(snapshot=good['5.snapshot.json'].replace('2023-12-01', '2024-12-01'), promised={'version': 5}), 'snapshot.json: 0 of the keys'))
scene('targets changed', (repository(targets=good['5.targets.json'].replace(h(THING), h('else'))), 'targets.json: 0 of the keys'))
scene('no signatures', (repository(timestamp=json.dumps({'signatures': [], 'signed': json.loads(good['timestamp.json'])['signed']})), 'timestamp.json: 0 of the keys'))
scene('root without the keys before', (repository(roots={'2.root.json': document(root(2, roots=(other, delegate)), other, delegate)}), '2.root.json: 0 of the keys'))
scene('root without its own keys', (repository(roots={'2.root.json': document(root(2, roots=(other, delegate)), a, b)}), '2.root.json: 0 of the keys'))
scene('root below the threshold', (repository(roots={'2.root.json': document(root(2), a)}), '2.root.json: 1 of the keys'))
scene('one signature twice', (repository(roots={'2.root.json': document(root(2), a, a)}), '2.root.json: 1 of the keys'))
twin = root(1)
twin['keys']['twin'] = a.public
twin['roles']['root'] = {'keyids': [a.id, 'twin'], 'threshold': 2}
scene('one key under two names', (repository(), 'root: 1 of the keys'), first=document(twin, a, a, ids=[a.id, 'twin']))
zero = root(2)
zero['roles']['root']['threshold'] = 0
scene('a threshold of 0', (repository(roots={'2.root.json': document(zero, a, b)}), 'a threshold of 0'))
scene('a root left out', (repository(roots={'2.root.json': R3}), '2.root.json: version 3 after version 1'))
scene('a root again', (repository(roots={'2.root.json': R1}), '2.root.json: version 1 after version 1'))
scene('another type', (repository(timestamp=good['5.snapshot.json']), 'timestamp.json: it is of type "snapshot"'))
spec = body('timestamp', 5, meta={'snapshot.json': {'version': 5}})
scene('another specification', (repository(timestamp=document({**spec, 'spec_version': '2.0'}, online)), 'by the specification 2.0'))
scene('no version', (repository(timestamp=document({k: v for k, v in spec.items() if k != 'version'}, online)), 'version: expected'))
scene('version 0', (repository(timestamp=document({**spec, 'version': 0}, online)), 'version 0'))
scene('no expiry', (repository(timestamp=document({k: v for k, v in spec.items() if k != 'expires'}, online)), 'expires: expected'))
scene('a key twice', (repository(timestamp=good['timestamp.json'].replace('"_type"', '"version": 9, "_type"')), 'timestamp.json'))
scene('not JSON', (repository(timestamp='{'), 'timestamp.json'))
far = repository(1000, roots={'2.root.json': None, '3.root.json': None}, targets=good['5.targets.json'],
                 meta={'targets.json': {'version': 5}, 'inner.json': {'version': 1}})
far['5.targets.json'] = far.pop('1000.targets.json')
scene('the same version out of reach', (far,), (repository(roots={'2.root.json': None, '3.root.json': None}), 'timestamp.json: version 5'))
scene('keys of the timestamp changed after a version out of reach',
      (far,),
      (repository(5, roots={'3.root.json': document(root(3, when=online2), a, b)}, when=online2),))
scene('target with another hash', ({**good, f'targets/{h(THING)}.trusted_root.json': 'b trusted root\n'}, 'its hash is'))
scene('target of another length', ({**good, f'targets/{h(THING)}.trusted_root.json': THING + '\n'}, 'more than'))
scene('no such target', (good, 'there is no such target', 'other.json'))
scene('a name that climbs', (good, 'is no name', '../x'))
scene('delegated role by another key', (repository(inner=document(inner(), other, ids=[delegate.id])), 'role inner: 0 of the keys', 'd/x'))
scene('delegated role of another version', (repository(inner=document(inner(2), delegate)), 'version 2, not 1', 'd/x'))
scene('delegated role expired', (repository(inner=document({**inner(), 'expires': GONE}, delegate)), 'it has expired', 'd/x'))
scene('delegated role beyond its paths', (repository(targets=document(targets(5, delegations=delegation(paths=('e/*',))), c)), 'there is no such target', 'd/x'))
scene('delegated role not in the snapshot', (repository(meta={'targets.json': {'version': 5}}), 'inner.json: expected an object', 'd/x'))
scene('delegated role whose name climbs', (repository(targets=document(targets(5, delegations=delegation('../inner')), c)), 'is no name', 'd/x'))
with open(sys.argv[1], 'w') as f:
    json.dump({'now': NOW, 'documents': docs, 'scenes': scenes}, f, indent=0)
