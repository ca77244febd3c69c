"""Themes of what lies around a plain build: base images, lock files, checkouts, other forms of layers and of JSON."""
import base64
import hashlib
import json
import zlib

import apkwrite
from words import TEXTS


def loose_commit(name):
    """(identifier, file) of a commit object as git keeps it."""
    body = ('tree %s\nauthor %s <a@b> 0 +0000\ncommitter c <a@b> 0 +0000\n\nm\n' % ('4' * 40, name)).encode()
    body = b'commit %d\0' % len(body) + body
    packed = b'\x78\x01' + apkwrite.gzip_member(body)[10:-8] + zlib.adler32(body).to_bytes(4, 'big')
    return hashlib.sha1(body).hexdigest(), {'base64': base64.b64encode(packed).decode()}


def base_image(r, case, names):
    """An image below; the configuration above it may hold little, and builds from a lock file only."""
    config, contents = case['config'], case['config']['contents']
    below = {'config': {'contents': {'keyring': ['keys/first.rsa.pub'], 'repositories': ['repos/main'], 'packages': ['base'] + r.sample(names, r.randint(0, len(names)))}, 'archs': list(config['archs'])}}
    if r.random() < .3:
        below['config']['layering'] = {'strategy': 'origin', 'budget': r.choice([1, 2, 5])}
    if r.random() < .5:
        below['config'].update(r.choice([{'cmd': 'below'}, {'environment': {'A': 'below'}}, {'accounts': {'run-as': '5', 'users': [{'username': 'b', 'uid': 5}]}}, {'annotations': {'b': 'c'}}, {'entrypoint': {'command': '/x'}}]))
    case['base'] = below
    contents['baseimage'] = {'image': r.choice(['base/image'] * 12 + ['./base/image', 'base/gone']), 'apkindex': r.choice(['base/index'] * 12 + ['base/none'])}
    if r.random() < .7:
        contents['packages'] = r.sample(names, r.randint(0, len(names)))
    for key in [k for k in config if k not in ('contents', 'archs', 'include')]:
        if r.random() < .97:
            del config[key]
    if r.random() < .9:
        case['from_lock'] = True


def erofs(r, case, names):
    config = case['config']
    if r.random() < .95:
        config.pop('layering', None)
    if 'base' in case and r.random() < .5:
        case['base']['config'].pop('layering', None)
        case['base']['config']['format'] = 'erofs'
    else:
        config['format'] = r.choice(['erofs'] * 9 + ['EROFS'])
    pkg = case['repos']['main']['packages'][0]
    for i in range(r.randint(0, 3)):
        pkg['files'].append({'path': 'usr/share/block%d' % i, 'data': {'fill': 'block%d' % i, 'size': r.choice([0, 1, 4032, 4095, 4096, 4097, 8192, 1048577])}, 'mode': r.choice([0o644, 0o4755])})
    if r.random() < .4:
        pkg['files'] += [{'path': 'many/%s%d' % ('f' * r.choice([1, 30, 200]), i), 'data': ''} for i in range(r.choice([3, 40, 300]))]
    if r.random() < .3:
        pkg['files'].append({'path': 'usr/share/attributes', 'data': 'x', 'pax': {'SCHILY.xattr.' + k: r.choice(['', 'v', 'x' * 300]) for k in r.sample(['user.a', 'security.capability', 'trusted.t', 'odd', 'user.' + 'n' * 200], 2)}})


def checkout(r, case, names):
    """A git checkout around the configuration: files of git's own, written by hand."""
    files = case['files']
    commit, kept = loose_commit(r.choice('abcdef'))
    urls = ['https://example.com/r.git', 'https://user:secret@example.com/r', 'git@example.com:a/b.git', 'ssh://git@example.com:22/a', '/some/path', 'https://example.com/ü?x=<&>', 'https://example.com/%zz',
            'file:///x', '', 'https://example.com/a b', 'HTTPS://EXAMPLE.com/A/../B', 'example.com:x', 'a@b:c:d']
    config = r.choice(['[core]\n\tbare = false\n', '', '; note\n[core]\n', '[core]\n\trepositoryformatversion = 1\n[extensions]\n\tworktreeConfig = true\n' if r.random() < .3 else '[user]\n\tname = x\n'])
    config += r.choice(['[remote "origin"]\n\turl = %s\n', '[remote "origin"]\n  url=%s # note\n', '[remote "origin"]\n\turl = "%s"\n\turl = https://second.example\n', '[REMOTE "origin"]\nURL = %s\n',
                        '[remote "other"]\n\turl = %s\n', '[remote "origin"]\n\tpushurl = %s\n'] + ['[remote "origin"]\n\turl = %s\n'] * 6) % r.choice(urls)
    if r.random() < .2:
        config += '[url "https://mirror.example/"]\n\tinsteadOf = %s\n' % r.choice(['https://example.com/', 'git@example.com:', 'h', ''])
    if r.random() < .1:
        config += r.choice(['[branch "x"]\n\tremote = origin\n', '[broken\n', 'key = value\n', '[a]\nb = "unclosed\n', '[include]\n\tpath = other\n'])
    files.update({'.git/config': config, '.git/HEAD': r.choice(['ref: refs/heads/main\n'] * 6 + [commit + '\n', commit, 'ref: refs/heads/gone\n', 'ref:refs/heads/main\n', 'junk\n', '', commit.upper()]),
                  '.git/refs/heads/main': commit + '\n', '.git/objects/%s/%s' % (commit[:2], commit[2:]): kept, '.git/refs/tags/x': commit + '\n'})
    if r.random() < .3:
        del files['.git/refs/heads/main']
        files['.git/packed-refs'] = '# pack-refs with: peeled fully-peeled sorted\n%s refs/heads/main\n' % commit
    if r.random() < .2:
        case['config']['vcs-url'] = r.choice(['https://given.example/x@1', ''])
    case['vcs'] = True


def edited_lock(r, case, names):
    """Builds from a lock file that was changed after it was made."""
    case['from_lock'] = True
    package = ['contents', 'packages', r.choice([0, 0, 1, -1])]
    ranged = package + [r.choice(['signature', 'control', 'data'])]
    case['lock_edits'] = [r.choice([
        [package + ['checksum'], r.choice(['', 'Q1AAAAAAAAAAAAAAAAAAAAAAAAAAA=', 'x', None])], [package, None], [package + ['version'], r.choice(['9-r9', '', 5])], [package + ['name'], r.choice(['base', 'gone', ''])],
        [package + ['url'], r.choice(['', 'repos/gone.apk', 'repos/main/x86_64/base-1.0-r0.apk', 'ftp://x/y.apk'])], [package + ['architecture'], r.choice(['aarch64', 'amd64', '', 'noarch'])], [ranged, None],
        [ranged + ['checksum'], r.choice(['', 'sha256-AAAA', 'sha1-x', 'md5-x', None])], [ranged + ['range'], r.choice(['', 'bytes=0-1', 'bytes=5', 'x', 'bytes=0-99999999', None])], [['config'], None],
        [['config', 'checksum'], r.choice(['', 'sha256-x', None])], [['config', 'name'], r.choice(['other.yaml', '', None])], [['contents', 'keyring'], r.choice([[], None])],
        [['contents', 'repositories'], r.choice([[], None, [{'name': 'x', 'url': 'y', 'architecture': 'x86_64'}]])], [['version'], r.choice(['v2', '', 'v1', None])], [['unknown'], 1], [['contents', 'packages'], r.choice([[], None, {}])],
        [['contents', 'runtime_repositories'], [{'name': 'r', 'url': 'https://r.example', 'architecture': 'x86_64'}]], [['Version'], 'v1'], [['contents'], None]]) for _ in range(r.choice([0, 1, 1, 1, 2]))]


def json_text(r, case, names):
    """The configuration as JSON, in forms that JSON readers treat differently."""
    text = json.dumps(case['config'], indent=r.choice([None, 1, 4]), ensure_ascii=r.random() < .5)
    for _ in range(r.choice([1, 1, 2])):
        text = r.choice([
            lambda t: t + '\n\n', lambda t: t + ' x', lambda t: t + t, lambda t: t[:-1] + ',}', lambda t: t.replace('/', '\\/'), lambda t: t.replace('"packages"', '"Packages"'), lambda t: t.replace('"archs"', '"ARCHS"'),
            lambda t: t.replace('e', '\\u0065'), lambda t: t.replace(':', ' :\t'), lambda t: '\ufeff' + t, lambda t: t[:-1], lambda t: t.replace('"', "'"), lambda t: '\r\n' + t.replace('\n', '\r\n'),
            lambda t: t[:-1] + ', "cmd": "a"}', lambda t: t[:-1] + ', "cmd": "a", "cmd": "b"}', lambda t: t[:-1] + ', "unknown": {}}', lambda t: t[:-1] + ', "stop-signal": null}', lambda t: t[:-1] + ', "layering": {}}',
            lambda t: t[:-1] + ', "cmd": %s}' % json.dumps(r.choice(TEXTS)), lambda t: t[:-1] + ', "cmd": "\\ud800"}', lambda t: t[:-1] + ', "cmd": "\\ud83d\\ude00"}', lambda t: t[:-1] + ', "cmd": "\\x41"}', lambda t: '[%s]' % t,
            lambda t: t[:-1] + ', "paths": [{"path": "/n", "type": "directory", "permissions": %s}]}' % r.choice(['0755', '0o755', '493', '1e2', '4.93e2', '-0', '0x1ed', '"493"', '493.0', '493.5', 'true']),
            lambda t: t[:-1] + ', "accounts": {"users": [{"username": "n", "uid": %s}]}}' % r.choice(['1e3', '1.0', '-1', '4294967296', '010', '5.', '.5', '1_000', 'null', '"7"']),
            lambda t: t[:-1] + ', "environment": {"N": %s}}' % r.choice(['1', '1.50', 'true', 'null', '"x"', '[]', '1e400']), lambda t: '/* note */' + t, lambda t: '# note\n' + t, lambda t: t.replace('{', '{\n', 1)])(text)
    case['config_lines'] = [text]


def user_merge(r, case, names):
    """Folders that are links, and packages that put files below them by both names."""
    base = case['repos']['main']['packages'][0]
    merged = r.sample(['bin', 'sbin', 'lib', 'lib64', 'usr/sbin', 'usr/lib64'], r.randint(1, 4))
    targets = {'bin': 'usr/bin', 'sbin': r.choice(['usr/sbin', 'usr/bin']), 'lib': 'usr/lib', 'lib64': 'usr/lib', 'usr/sbin': 'bin', 'usr/lib64': 'lib'}
    moved = {m: targets[m] for m in merged}
    base['files'] = [e for e in base['files'] if e['path'] not in moved]
    base['files'] += [{'path': m, 'type': 'l', 'target': r.choice([t, t, t, '/usr/' + t.split('/')[-1]])} for m, t in moved.items()]
    for entry in base['files']:
        if entry['path'] == 'bin/tool' and 'bin' in moved and r.random() < .8:
            entry['path'] = 'usr/bin/tool'
    for i in range(r.randint(1, 3)):
        files = []
        for _ in range(r.randint(1, 4)):
            folder = r.choice(merged + [targets[m] for m in merged])
            files.append({'path': '%s/%s' % (folder, r.choice(['a', 'b', 'tool', 'busybox', 'sub/x'])), 'data': r.choice(['same', 'by %d' % i]), 'mode': 0o755})
        if r.random() < .3:
            files.append({'path': r.choice(merged), 'type': r.choice('dl'), 'target': 'usr/bin'})
        if r.random() < .3:
            files.append({'path': 'usr/bin/linked%d' % i, 'type': r.choice('lh'), 'target': r.choice([f['path'] for f in files])})
        name = 'merged%d' % i
        case['repos']['main']['packages'].append({'info': {'pkgname': name, 'origin': r.choice(['merged', name]), 'replaces': r.choice([[], ['merged0'], ['base']])}, 'files': files})
        case['config']['contents']['packages'].append(name)
    if r.random() < .3:
        case['config']['paths'] = [{'path': '/%s/made' % r.choice(merged), 'type': r.choice(['empty-file', 'directory', 'symlink']), 'source': 'x', 'permissions': 0o700}, {'path': '/' + r.choice(merged), 'type': 'permissions', 'permissions': 0o711, 'recursive': r.random() < .5}]


def many_packages(r, case, names):
    """Some dozens of packages that share folders, origins, replaced files and install_if."""
    count, main = r.choice([15, 30, 60]), case['repos']['main']
    for i in range(count):
        info = {'pkgname': 'many%d' % i, 'pkgver': '%d.%d-r%d' % (i % 3, i % 7, i % 2), 'origin': 'group%d' % (i % r.choice([1, 4, 9, 100]))}
        if i and r.random() < .6:
            info['depend'] = ['many%d' % r.randrange(i) for _ in range(r.randint(1, 3))]
        if r.random() < .3:
            info['provides'] = [r.choice(['common', 'so:libmany%d.so.1=1.%d' % (i, i), 'cmd:many%d=%d.%d-r%d' % (i, i % 3, i % 7, i % 2)])]
        if i > 2 and r.random() < .15:
            info['install_if'] = ['many%d' % r.randrange(i)] + (['base'] if r.random() < .3 else [])
        if i and r.random() < .3:
            info['replaces'] = ['many%d' % n for n in r.sample(range(i), min(i, r.choice([1, 2, 9])))]
        files = [{'path': 'usr/share/%s/%s' % (r.choice(['all', 'x%d' % (i % 5), 'y/z']), 'f%d' % i), 'data': {'fill': 'm%d' % i, 'size': r.choice([0, 10, 1000, 40000])}, 'mtime': r.choice([0, i])} for _ in range(r.randint(0, 2))]
        main['packages'].append({'info': info, 'files': files})
    case['config']['contents']['packages'] += r.sample(['many%d' % i for i in range(count)], r.choice([1, 3, 8]))
    if r.random() < .6:
        case['config']['layering'] = {'strategy': 'origin', 'budget': r.choice([1, 2, 4, 8, 20])}
