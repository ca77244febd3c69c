"""Writes a case to a folder, runs a program over it, and says what came out.

A case is plain data (JSON):
  config | config_lines | files   the configuration (an object, or its very lines), and other files by path
  repos        name -> {"archs", "packages", "index"}; a package's "archs" and a file's "only" narrow it
  damage       changes of staged files: {"file", "op": cut|append|flip|delete|empty|replace, "at", "data"}
  base         a case of its own whose image becomes base/image, with base/index/ARCH/APKINDEX
  flags, env   of the command;  "lock": compare lock files too;  "from_lock": build from the lock;  "archive": docker's
  lock_edits   changes of the lock that is built from: [path of keys, new value or null];  "vcs": look for a checkout
"""
import hashlib
import json
import os
import re
import shutil
import subprocess
import tarfile
import io

import apkwrite

TIMEOUT = 90
KEYS = os.path.join(apkwrite.HERE, 'keys')


def write_file(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, 'wb') as f:
        f.write(data)


def config_bytes(case):
    if 'config_lines' in case:
        return apkwrite.text_bytes(case.get('newline', '\n').join(case['config_lines']))
    return apkwrite.text_bytes(json.dumps(case['config'], indent=1, ensure_ascii=False, sort_keys=True))


def stage_repository(root, repo):
    for arch in repo.get('archs', ['x86_64']):
        records = []
        for pkg in repo.get('packages', []):
            if arch not in pkg.get('archs', [arch]):
                continue
            blob, record = apkwrite.package(pkg, arch)
            info = pkg.get('info', {})
            name = '%s-%s.apk' % (info.get('pkgname', ''), info.get('pkgver', '1.0-r0'))
            if not pkg.get('unpublished') and '/' not in name:
                write_file(os.path.join(root, arch, name), blob)
            if not pkg.get('unlisted'):
                records.append(record)
        options = dict(repo.get('index', {}))
        if arch not in options.get('missing', []):
            write_file(os.path.join(root, arch, 'APKINDEX.tar.gz'), apkwrite.index(records, options))


def damage(root, change):
    path = os.path.join(root, change['file'])
    if not os.path.exists(path):
        return
    with open(path, 'rb') as f:
        data = bytearray(f.read())
    at = min(int(change.get('at', 0) * len(data)), max(len(data) - 1, 0))
    if change['op'] == 'delete':
        os.unlink(path)
        return
    if change['op'] == 'cut':
        data = data[:at]
    elif change['op'] == 'append':
        data += apkwrite.text_bytes(change.get('data', 'x'))
    elif change['op'] == 'flip' and data:
        data[at] ^= 1 << change.get('bit', 0)
    elif change['op'] == 'empty':
        data = b''
    elif change['op'] == 'replace':
        data = apkwrite.text_bytes(change.get('data', ''))
    write_file(path, bytes(data))


def stage(case, root):
    shutil.rmtree(root, ignore_errors=True)
    os.makedirs(os.path.join(root, 'keys'))
    for name in os.listdir(KEYS):
        if name.endswith('.pub'):
            shutil.copyfile(os.path.join(KEYS, name), os.path.join(root, 'keys', name))
    for name, repo in case.get('repos', {}).items():
        stage_repository(os.path.join(root, 'repos', name), repo)
    for name, data in case.get('files', {}).items():
        write_file(os.path.join(root, name), apkwrite.content({'data': data}))
    write_file(os.path.join(root, 'image.yaml'), config_bytes(case))
    for change in case.get('damage', []):
        damage(root, change)


def environment(root, case):
    env = {'PATH': os.environ.get('PATH', ''), 'HOME': os.path.join(root, 'home'), 'TMPDIR': os.path.join(root, 'tmp'),
           'XDG_CACHE_HOME': os.path.join(root, 'cache'), 'LC_ALL': 'C.UTF-8'}
    for name in ('ASAN_OPTIONS', 'UBSAN_OPTIONS'):
        if name in os.environ:
            env[name] = os.environ[name]
    for folder in ('home', 'tmp', 'cache'):
        shutil.rmtree(os.path.join(root, folder), ignore_errors=True)
        os.makedirs(os.path.join(root, folder))
    env.update(case.get('env', {}))
    return env


def execute(program, arguments, root, case):
    try:
        done = subprocess.run([program] + arguments, cwd=root, env=environment(root, case), timeout=TIMEOUT,
                              stdin=subprocess.DEVNULL, capture_output=True)
    except subprocess.TimeoutExpired:
        return 'timeout', ''
    message = (done.stdout + done.stderr).decode('utf-8', 'replace')
    if done.returncode < 0 or 'Sanitizer' in message or 'runtime error:' in message or done.returncode >= 128:
        return 'crash', message
    return ('ok' if done.returncode == 0 else 'refused'), message


def image_layer_file(layout, wanted):
    """A file of the last layer that has it; what a base image's package list is taken from."""
    def blob(digest):
        with open(os.path.join(layout, 'blobs', 'sha256', digest.split(':')[1]), 'rb') as f:
            return f.read()
    with open(os.path.join(layout, 'index.json')) as f:
        todo, found = json.load(f)['manifests'], {}
    while todo:
        described = json.loads(blob(todo.pop(0)['digest']))
        todo += described.get('manifests', [])
        if 'layers' in described:
            arch = json.loads(blob(described['config']['digest']))['architecture']
            for layer in described['layers']:
                with tarfile.open(fileobj=io.BytesIO(blob(layer['digest']))) as t:
                    for member in t:
                        if member.name == wanted:
                            found[arch] = t.extractfile(member).read()
    return found


def build_base(program, case, root):
    """The image below: built by the program itself, as an image of the case's 'base'."""
    folder = os.path.join(root, 'base')
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(os.path.join(folder, 'image'))
    write_file(os.path.join(root, 'base.yaml'), config_bytes(case['base']))
    status, message = execute(program, ['build', 'base.yaml', 'base:latest', 'base/image', '--vcs=false', '--sbom=false'] +
                              case['base'].get('flags', []), root, case['base'])
    if status != 'ok':
        return status, message
    names = {'amd64': 'x86_64', 'arm64': 'aarch64', '386': 'x86', 'arm': 'armv7', 'loong64': 'loongarch64'}
    for wanted in ('usr/lib/apk/db/installed', 'lib/apk/db/installed'):
        for arch, data in image_layer_file(os.path.join(folder, 'image'), wanted).items():
            write_file(os.path.join(folder, 'index', names.get(arch, arch), 'APKINDEX'), data)
    return 'ok', message


def digest_of(path):
    with open(path, 'rb') as f:
        data = f.read()
    if path.endswith('.spdx.json'):
        data = re.sub(rb'"Tool: [^"]*"', b'"Tool: "', data)
    return 'sha256:' + hashlib.sha256(data).hexdigest()


def collect(folder):
    """What was written, by name: every blob, the layout's files, the SBOMs without the tool's name, the lock."""
    found = {}
    for where, folders, files in sorted(os.walk(folder)):
        folders.sort()
        for name in sorted(files):
            path = os.path.join(where, name)
            found[os.path.relpath(path, folder)] = digest_of(path)
    return found


def lock_flags(flags):
    """Those flags of the build, with their values, that locking has too."""
    allowed, values = [], iter(flags)
    for flag in values:
        if flag.startswith('--sbom=') or flag in ('--offline',):
            continue
        words = [flag] if flag == '--ignore-signatures' else [flag, next(values, '')]
        if flag in ('--ignore-signatures', '--arch', '-b', '-r', '-k', '--keyring-append', '--include-paths'):
            allowed += words
    return allowed


def edit_lock(path, edits):
    with open(path) as f:
        lock = json.load(f)
    for keys, value in edits:
        node = lock
        try:
            for key in keys[:-1]:
                node = node[key]
            if value is None:
                del node[keys[-1]]
            else:
                node[keys[-1]] = value
        except (KeyError, IndexError, TypeError):
            pass
    write_file(path, json.dumps(lock).encode())


def run(program, case, root, out):
    """(status, message, outputs) of a program over the staged case; its output stays in the folder out."""
    target = os.path.join(root, out)
    shutil.rmtree(target, ignore_errors=True)
    os.makedirs(target)
    flags, status, message = case.get('flags', []), 'ok', ''
    if 'base' in case:
        status, message = build_base(program, case, root)
        if status != 'ok':
            return status, message, {}
    if case.get('lock') or case.get('from_lock'):
        allowed = lock_flags(flags)
        status, message = execute(program, ['lock', 'image.yaml', '--output', 'image.lock.json'] + allowed, root, case)
        if os.path.exists(os.path.join(root, 'image.lock.json')):
            shutil.move(os.path.join(root, 'image.lock.json'), os.path.join(target, 'lock.json'))
        if case.get('from_lock') and status == 'ok':
            shutil.copyfile(os.path.join(target, 'lock.json'), os.path.join(root, 'use.lock.json'))
            edit_lock(os.path.join(root, 'use.lock.json'), case.get('lock_edits', []))
            flags = flags + ['--lockfile', 'use.lock.json']
    if not case.get('lock') or case.get('from_lock'):
        image = out + ('/image.tar' if case.get('archive') else '/image')
        if not case.get('archive'):
            os.makedirs(os.path.join(root, image))
        if status == 'ok':
            vcs = '--vcs=' + ('true' if case.get('vcs') else 'false')
            arguments = ['build', 'image.yaml', 'example.com/test/image:v1', image, vcs]
            if '--sbom-path' not in flags:
                os.makedirs(os.path.join(target, 'sbom'))
                arguments += ['--sbom-path', out + '/sbom']
            status, message = execute(program, arguments + flags, root, case)
    outputs = collect(target) if status == 'ok' else {}
    return status, message, outputs


def summary(outputs):
    """The outputs without what the index digest already stands for: what a recorded case keeps."""
    return {k: v for k, v in outputs.items() if '/blobs/' not in k and not k.endswith('oci-layout')}
