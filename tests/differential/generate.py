"""Random cases. A seed gives the same case everywhere and for ever, as long as this file is not changed.

Every case begins as a small sane image; a few themes, drawn by the seed, then make it odd in their own way, so that most
cases build and what breaks one is near at hand.
"""
import random

import themes
from words import ARCHS

THEMES = ['accounts', 'paths', 'layering', 'resolver', 'odd_tar', 'links', 'overwrites', 'certificates', 'services',
          'keyring', 'busybox', 'ldso', 'os_release', 'sbom', 'base_image', 'tags', 'repositories', 'annotations',
          'environment', 'entrypoint', 'include', 'yaml', 'flags', 'dates', 'archs', 'disagreement', 'broken', 'hostile',
          'index', 'scripts', 'lock', 'archive', 'apkodb', 'erofs', 'checkout', 'edited_lock', 'json_text', 'user_merge',
          'many_packages']


LAST = ('yaml', 'lock', 'erofs', 'edited_lock', 'json_text')


def base_package(r):
    files = [{'path': p, 'type': 'd'} for p in ('bin', 'etc', 'lib', 'usr', 'usr/bin', 'usr/lib', 'var', 'tmp')]
    files[-1]['mode'] = 0o1777
    files += [{'path': 'etc/os-release', 'data': 'ID=test\nNAME="Test OS"\nVERSION_ID=1.2\nPRETTY_NAME="Test"\n'},
              {'path': 'etc/passwd', 'data': 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n'},
              {'path': 'etc/group', 'data': 'root:x:0:root\nwheel:x:10:root,adm\n'},
              {'path': 'bin/tool', 'data': {'fill': 'tool', 'size': r.choice([0, 10, 5000])}, 'mode': 0o755}]
    return {'info': {'pkgname': 'base', 'license': 'MIT', 'pkgdesc': 'Basic files'}, 'files': files}


def plain_package(r, i, names):
    name = names[i]
    folder = 'usr/share/' + name
    info = {'pkgname': name, 'pkgver': r.choice(['1.0-r0', '1.2.3-r4', '0.1_rc2-r0', '2-r1', '1.0a_p3-r10'])}
    if r.random() < .5:
        info['license'] = r.choice(['MIT', 'Apache-2.0 AND MIT', 'LicenseRef-odd', '', 'GPL-2.0-only OR <x>'])
    if r.random() < .4:
        info['origin'] = r.choice(names)
    if r.random() < .3:
        info['builddate'] = r.choice([1, 1600000000, 1735689600, 1800000000])
    if r.random() < .2:
        info['commit'] = 'c0ffee%034d' % i
    if i and r.random() < .4:
        info['depend'] = r.sample(names[:i], min(i, r.randint(1, 2)))
    files = [{'path': 'usr', 'type': 'd'}, {'path': 'usr/share', 'type': 'd'}, {'path': folder, 'type': 'd'}]
    files += [{'path': '%s/f%d' % (folder, n), 'data': {'fill': name, 'size': r.choice([0, 1, 100, 511, 512, 513, 3000, 70000])}}
              for n in range(r.randint(0, 3))]
    pkg = {'info': info, 'files': files}
    if r.random() < .1:
        pkg['level'] = r.choice([1, 6, 9])
    return pkg


def with_folders(files):
    """The entries with every folder before what is in it, as packages must have them."""
    known, out = {f['path'].rstrip('/') for f in files}, []
    for entry in files:
        parts = entry['path'].split('/')
        for n in range(1, len(parts)):
            folder = '/'.join(parts[:n])
            if folder not in known and parts[n - 1] not in ('', '.', '..'):
                known.add(folder)
                out.append({'path': folder, 'type': 'd'})
        out.append(entry)
    return out


def case(seed):
    r = random.Random(seed)
    names = r.sample(['alpha', 'beta', 'gamma', 'delta', 'liba', 'libb', 'py3-x', 'a', 'zz-top', 'Upper', 'c++', 'x_y.z'],
                     r.randint(1, 6))
    packages = [base_package(r)] + [plain_package(r, i, names) for i in range(len(names))]
    wanted = ['base'] + r.sample(names, r.randint(0, len(names)))
    made = {'seed': seed, 'repos': {'main': {'archs': ['x86_64'], 'packages': packages}}, 'flags': [], 'files': {},
            'config': {'contents': {'keyring': ['keys/first.rsa.pub'], 'repositories': ['repos/main'], 'packages': wanted},
                       'archs': ['x86_64']}}
    chosen = r.sample(THEMES, r.choice([1, 1, 2, 2, 3, 4]))
    if r.random() < .5:  # what mostly refuses comes seldom
        chosen = [t for t in chosen if t not in ('broken', 'hostile', 'index')] or ['paths']
    chosen.sort(key=lambda t: (t in LAST, t in ('broken',), t))  # these look at what the others made
    for theme in chosen:
        getattr(themes, theme)(r, made, names)
    made['themes'] = chosen
    for repo in made['repos'].values():
        for pkg in repo['packages']:
            if r.random() < .97:
                pkg['files'] = with_folders(pkg['files'])
    for empty in [k for k in ('flags', 'files') if not made[k]]:
        del made[empty]
    repo = made['repos']['main']
    repo['archs'] = sorted(set(repo['archs']) | {ARCHS[a] for a in made['config'].get('archs', []) if a in ARCHS})
    return made
