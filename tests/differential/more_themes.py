"""Themes of repositories and resolving, of the configuration's forms, of architectures and of damage."""
import json

from words import ALL_FOLDERS, ARCHS, TEXTS, odd_path, read_key


def wanted(case):
    return case['config']['contents']['packages']


def add(case, name, repo='main', **info):
    pkg = {'info': {'pkgname': name, **info},
           'files': [{'path': 'usr/share/by-%s-%s' % (name, info.get('pkgver', '1')), 'data': name}]}
    case['repos'].setdefault(repo, {'archs': ['x86_64'], 'packages': []})['packages'].append(pkg)
    return pkg


def version(r):
    return r.choice(['1.0-r0', '1.0-r1', '1.1-r0', '2.0-r0', '2.0_alpha1-r0', '2.0_rc1-r0', '1.0.1-r0', '10-r0', '1.0a-r0', '1.0_p1-r0', '0-r0', '1.0', '3.0.0.0.1-r2'])


def requirement(r, names):
    name = r.choice(names)
    return name + r.choice(['', '', '', '', '', '', '', '', '>0', '<99', '=1.0-r0', '>1', '>=1.0-r0', '<2', '<=1.1-r0', '~1', '~1.0', '=9', '>9', '=', '==1.0-r0', '<>1', '~=1.0', '~~1'])


def resolver(r, case, names):
    pool = ['r%d' % i for i in range(r.randint(2, 7))]
    virtual = ['virt', 'cmd:tool', 'so:libx.so.1', 'v2']
    for name in pool:
        for ver in sorted({version(r) for _ in range(r.randint(1, 3))}):
            info = {'pkgver': ver}
            if r.random() < .5:
                info['depend'] = [requirement(r, pool + virtual * (r.random() < .5)) for _ in range(r.randint(1, 2))]
            if r.random() < .5:
                info['provides'] = [r.choice(virtual + pool[:1]) + r.choice(['', '', '=1.0', '=2.0-r0', '=0']) for _ in range(r.randint(1, 2))]
            if r.random() < .2:
                info['conflict'] = [requirement(r, pool + virtual)]
            if r.random() < .2:
                info['install_if'] = [requirement(r, pool) for _ in range(r.randint(1, 2))]
            if r.random() < .25:
                info['provider_priority'] = r.choice([0, 1, 10, 100])
            if r.random() < .4:
                info['origin'] = r.choice(['or1', 'or2'])
            if r.random() < .15:
                info['replaces'] = [r.choice(pool)]
            add(case, name, repo=r.choice(['main', 'main', 'extra']), **info)
    if 'extra' in case['repos']:
        case['config']['contents'].setdefault('repositories', []).insert(r.randint(0, 1), 'repos/extra')
    for _ in range(r.randint(1, 3)):
        wanted(case).append(requirement(r, pool + virtual))
    if r.random() < .1:
        wanted(case).append('!' + r.choice(pool))


def tags(r, case, names):
    for tag in r.sample(['edge', 'local', 'x'], r.randint(1, 2)):
        for name in r.sample(names, r.randint(1, len(names))) + ['only-' + tag]:
            info = {'pkgver': version(r)}
            if r.random() < .4:
                info['depend'] = [r.choice(names + ['only-' + tag])]
            if r.random() < .3:
                info['provides'] = ['tagged=1', 'only']
            add(case, name, repo='tag-' + tag, **info)
        case['config']['contents'].setdefault('repositories', []).insert(r.randint(0, 1), '@%s repos/tag-%s' % (tag, tag))
        if r.random() < .8:
            wanted(case).append(r.choice(names + ['only-' + tag, 'tagged']) + r.choice(['@' + tag] * 6 + ['=1.0-r0@' + tag, '>1@' + tag, '@none', '@']))


def repositories(r, case, names):
    contents = case['config']['contents']
    for name in r.sample(['second', 'third'], r.randint(1, 2)):
        for package in r.sample(names, r.randint(1, len(names))) + ['from-' + name]:
            add(case, package, repo=name, pkgver=version(r))
        contents.setdefault(r.choice(['repositories', 'build_repositories', 'build_repositories']), []).append(
            'repos/' + name + r.choice(['', '', '/', '//']))
        if r.random() < .5:
            wanted(case).append(r.choice(['from-' + name, names[0] + '>0', names[0] + '<99']))
    if r.random() < .5:
        contents['runtime_repositories'] = r.sample(['https://example.com/os', 'https://user:secret@example.com/x/', '@edge https://example.com/e',
                                                     'repos/main', '/abs/path', 'https://example.com/a b', ''], r.randint(0, 2))
    if r.random() < .3:
        contents.setdefault('repositories', []).append(r.choice(['repos/main', './repos/main', 'repos/gone', 'repos/../repos/main', 'repos/main ', '@a   repos/gone']))
    if r.random() < .2:
        contents['build_repositories'] = contents.get('build_repositories', []) + contents.pop('repositories', [])


def index(r, case, names):
    for repo in case['repos'].values():
        options = repo.setdefault('index', {})
        if r.random() < .4:
            options['signing'] = r.choice([{'digest': 'sha1'}, {'key': 'second.rsa'}, {'name': 'other.pub'}, {'bad': True}, None, None,
                                           {'key': 'second.rsa', 'name': 'first.rsa.pub'}])
        if r.random() < .3:
            options['description'] = r.choice(['', 'Ünï', 'x' * 600, 'two\nlines'])
        if r.random() < .4:
            options['lines'] = r.choice([['P:extra', 'V:1', ''], ['', '', ''], ['# comment'], ['P:x'], ['X:unknown', 'P:more', 'V:1-r0', 'A:x86_64', ''], [':'], ['PP:a', ''],
                                         ['P: spaced', 'V: 1 ', ''], ['P:crlf\r', 'V:1\r', '\r', ''], ['P:base', 'V:9-r0', 'C:Q1AAAA', 'A:x86_64', ''], ['noline', '']])
        if r.random() < .15:
            options['unterminated'] = True
        if r.random() < .2:
            options['extra'] = r.choice([[{'path': 'APKINDEX', 'data': 'P:ghost\nV:1\n\n'}], [{'path': 'more', 'data': 'x'}], [{'path': 'dir', 'type': 'd'}]])
        if r.random() < .2:
            options['closed'] = False
        for pkg in repo['packages']:
            if r.random() < .12:
                pkg['record'] = r.choice([{'S': '1'}, {'I': '7'}, {'V': '9.9-r9'}, {'A': 'noarch'}, {'A': 'aarch64'}, {'C': ''}, {'C': 'Q1AAAAAAAAAAAAAAAAAAAAAAAAAAA='}, {'C': None},
                                          {'o': 'base'}, {'S': 'x'}, {'I': '-1'}, {'V': ''}, {'V': 'bad version'}, {'A': None}, {'t': 'x'}, {'k': 'x'}])
            if r.random() < .06:
                pkg['record_lines'] = [r.choice(['D:base', 'p:base=5', 'i:base', 'r:base', 'q:5', 'k:10', 'F:x', 'o:again', 'L:Other'])]
            if r.random() < .04:
                pkg[r.choice(['unpublished', 'unlisted'])] = True
    if r.random() < .3:
        case['config']['contents']['keyring'] = r.choice([[], ['keys/second.rsa.pub'], ['keys/first.rsa.pub', 'keys/second.rsa.pub'], ['keys/'], ['keys/first.rsa.pub'] * 2])
    if r.random() < .25:
        case['flags'].append('--ignore-signatures')


def scripts(r, case, names):
    for pkg in case['repos']['main']['packages']:
        if r.random() < .5:
            pkg['scripts'] = {n: r.choice(['#!/bin/sh\necho hi\n', '', 'x' * 2000]) for n in
                              r.sample(['.pre-install', '.post-install', '.trigger', '.pre-deinstall', '.post-upgrade', '.other', 'plain', '.melange.yaml'], r.randint(1, 3))}
            if r.random() < .5:
                pkg['info']['triggers'] = r.choice([['/usr/lib /etc'], ['/bin'], ['/*'], ['']])
        if r.random() < .1:
            pkg['info_lines'] = [r.choice(['unknown = x', '# comment', 'noequals', 'pkgdesc = again', 'depend = base', ' spaced = x', 'size = x', 'provides = extra=1', '', '=', 'a = b = c'])]
        if r.random() < .08:
            pkg['datahash'] = r.choice(['', '0' * 64, 'x'])
        if r.random() < .1:
            pkg['signing'] = r.choice([None, {'key': 'second.rsa'}, {'bad': True}, {'digest': 'sha1'}])
        if r.random() < .1:
            pkg['info'].update(r.choice([{'pkgdesc': 'Ünï <&>'}, {'url': 'https://x/?a&b'}, {'maintainer': 'A <a@b>'}, {'pkgdesc': 'x' * 4000}, {'license': ''}, {'builddate': -5},
                                         {'builddate': 'x'}, {'pkgdesc': ' lead'}, {'size': -1}, {'license': 'MIT  AND\tX'}]))


def annotations(r, case, names):
    keys = ['org.opencontainers.image.' + k for k in ('title', 'vendor', 'created', 'version', 'source', 'revision', 'base.name')] + ['x', 'a/b', 'Ünï', 'k' * 80, '', 'a.b']
    case['config']['annotations'] = {k: r.choice(TEXTS) for k in r.sample(keys, r.randint(1, 5))}
    if r.random() < .3:
        case['config']['vcs-url'] = r.choice(['https://github.com/a/b@abc', 'git@x:y', 'x', '', 'https://x/<&>@1', 'ssh://git@h/r.git@' + 'a' * 40])
    if r.random() < .3:
        case['flags'] += ['--annotations', r.choice(['x:y', 'x:y:z', 'a:1,b:2', 'nocolon' if r.random() < .2 else 'o:p', ':', 'x:', 'org.opencontainers.image.title:From flag', '"q,r:s"'])]


def environment(r, case, names):
    case['config']['environment'] = {k: r.choice(TEXTS) for k in r.sample(['PATH', 'HOME', 'A', 'a', 'LANG', 'X Y', 'Ü', 'SSL_CERT_FILE', '', 'Z9', 'A=B'], r.randint(1, 6))}
    if r.random() < .5:
        case['config']['volumes'] = [r.choice(['/data', '/a b', 'rel', '/data', '/ünï', '', '/', '/z', '/<&>']) for _ in range(r.randint(1, 4))]
    if r.random() < .5:
        case['config']['stop-signal'] = r.choice(['SIGTERM', '15', 9, 'nonsense', ''])
    if r.random() < .5:
        case['config']['work-dir'] = r.choice(['/', '/app', 'rel', '/a b', '', '/ünï', '/etc/passwd'])


def entrypoint(r, case, names):
    words = ['/bin/tool', '/bin/tool --flag "a b"', "sh -c 'x y'", 'a\\ b', 'unclosed "quote', '', '   ', 'a # comment', '$VAR ${X}', '"" \'\'', 'a\nb', 'tab\tx', "a'b'c\"d\"", '\\', 'x\\\ny', 'ü "ß"', '`x`',
             '"a\\"b"', "'a\\'", '"\\$x"', 'a;b|c', '#', '"a\nb"', '\\"', "a''b"]
    if r.random() < .85:
        case['config']['entrypoint'] = {r.choice(['command', 'command', 'command', 'shell-fragment']): r.choice(words)}
        if r.random() < .1:
            case['config']['entrypoint'].update({'type': r.choice(['service-bundle', 'x']), 'command': 'a'})
    if r.random() < .7:
        case['config']['cmd'] = r.choice(words)


def include(r, case, names):
    config = case['config']
    child = {}
    for key in r.sample(['accounts', 'paths', 'environment', 'annotations', 'cmd', 'entrypoint', 'contents', 'archs', 'volumes', 'work-dir', 'layering', 'stop-signal'], r.randint(1, 5)):
        child[key] = {'accounts': {'users': [{'username': 'inc', 'uid': 5000}], 'run-as': 'inc'}, 'paths': [{'path': '/inc', 'type': 'directory', 'permissions': 0o750}],
                      'environment': {'A': 'inc', 'INC': '1'}, 'annotations': {'x': 'inc', 'inc': '1'}, 'cmd': 'inc', 'entrypoint': {'command': '/inc'},
                      'contents': {'packages': [r.choice(names)], 'keyring': ['keys/second.rsa.pub'], 'repositories': ['repos/main']}, 'archs': ['aarch64'],
                      'volumes': ['/inc'], 'work-dir': '/inc', 'layering': {'strategy': 'origin', 'budget': 2}, 'stop-signal': 'SIGINC'}[key]
    name = r.choice(['child.yaml', 'sub/child.yaml', './child.yaml', 'inc/child.yaml', 'gone.yaml'])
    config['include'] = name
    if name != 'gone.yaml':
        place = name.replace('./', '')
        if r.random() < .3:
            case['flags'] += ['--include-paths', r.choice(['paths', 'paths,other'])]
            place = 'paths/' + place
        case['files'][place] = json.dumps(child)
        if r.random() < .2:
            child['include'] = 'grand.yaml'
            case['files'][place] = json.dumps(child)
            case['files']['grand.yaml'] = 'cmd: grand\nenvironment: {A: grand, G: "1"}\n'
    if r.random() < .3:
        config.pop('archs', None)
        if 'archs' not in child:
            config['archs'] = ['x86_64']
    if r.random() < .3:
        config['environment'] = {'A': 'parent', 'P': '1'}


def scalar(r, value):
    """A scalar in one of the ways that YAML has for it; sometimes in one that means something else."""
    if isinstance(value, bool):
        return r.choice(['true', 'True', 'TRUE', 'yes', 'on'] if value else ['false', 'False', 'no', 'off', '~'])
    if isinstance(value, int):
        return r.choice([str(value), str(value), hex(value), '0o%o' % value, '0%o' % value, '%d.0' % value, '+%d' % value, bin(value), '"%d"' % value, '!!int "%d"' % value, '%.1e' % value]) if value >= 0 else str(value)
    if value is None:
        return r.choice(['null', '~', 'Null', ''])
    if isinstance(value, float):
        return repr(value)
    simple = value and all(c.isalnum() or c in '/._-' for c in value) and value.isascii()
    return r.choice(([value, value, "'%s'" % value, '!!str ' + value] if simple else []) + [json.dumps(value)] * (1 + (not simple)))


def block(r, value, depth, out, lead):
    pad = '  ' * depth
    if isinstance(value, dict) and value:
        for key, item in value.items():
            block(r, item, depth + 1, out, pad + (key if key.replace('-', '').replace('_', '').isalnum() and key.isascii() else json.dumps(key)) + ':')
    elif isinstance(value, list) and value and r.random() < .8:
        if lead.strip():
            out.append(lead + r.choice(['', ' # note', ' ']))
        for item in value:
            if isinstance(item, (dict, list)):
                out.append(pad + '- ' + (json.dumps(item) if r.random() < .7 else json.dumps(item, ensure_ascii=False)))
            else:
                out.append(pad + '- ' + scalar(r, item))
        return
    elif isinstance(value, (dict, list)):
        out.append(lead + ' ' + json.dumps(value))
        return
    elif isinstance(value, str) and value.isprintable() and value and value.isascii() and r.random() < .12:
        out.append(lead + r.choice([' |', ' >', ' |-', ' >-', ' |+', ' |2']))
        out.extend([pad + '  ' + value])
        return
    else:
        out.append(lead + ' ' + scalar(r, value))
        return
    return


def mapping_lines(r, value, depth=0):
    lines = []
    for key, item in value.items():
        pad, shown = '  ' * depth, key if key.isascii() and key.replace('-', '').replace('_', '').isalnum() else json.dumps(key)
        if isinstance(item, dict) and item and r.random() < .8:
            lines.append(pad + shown + ':')
            lines += mapping_lines(r, item, depth + 1)
        else:
            block(r, item if not (isinstance(item, dict) and item) else {}, depth + 1, lines, pad + shown + ':')
            if isinstance(item, dict) and item:
                lines[-1] = pad + shown + ': ' + json.dumps(item)
    return lines


def yaml(r, case, names):
    lines = mapping_lines(r, case['config'])
    trick = r.choice(['', '', '', 'start', 'crlf', 'bom', 'comment', 'twice', 'duplicate', 'unknown', 'anchor', 'merge', 'tab', 'end', 'tag', 'multi', 'directive', 'junk', 'null'])
    if trick == 'start':
        lines.insert(0, '---')
    elif trick == 'crlf':
        case['newline'] = '\r\n'
    elif trick == 'bom':
        lines[0] = '\ufeff' + lines[0]
    elif trick == 'comment':
        lines.insert(r.randrange(len(lines)), '# a comment: [')
    elif trick == 'twice':
        lines += ['---', 'cmd: second document']
    elif trick == 'duplicate':
        lines += r.choice([['cmd: a', 'cmd: b'], ['environment: {A: 1, A: 2}'], ['archs: [x86_64]']])
    elif trick == 'unknown':
        lines.append(r.choice(['unknown: 1', 'Cmd: x', 'contents2: {}', 'layering: {strategy: origin, more: 1}', '1: 2']))
    elif trick == 'anchor':
        lines += r.choice([['environment: &e {A: b}', 'annotations: *e'], ['cmd: &c serve', 'stop-signal: *c'], ['volumes: &v [/a, *v]'], ['annotations: *none']])
    elif trick == 'merge':
        lines += ['environment: &e {A: b, C: d}', 'annotations:', '  <<: *e', '  A: own']
    elif trick == 'tab':
        lines.append('cmd:\tserve\t')
    elif trick == 'end':
        lines += ['...', 'rest: ignored?']
    elif trick == 'tag':
        lines.append(r.choice(['cmd: !!str 12', 'cmd: !custom x', 'cmd: !!binary aGVsbG8=', 'cmd: !!int 5', 'environment: !!map {A: b}', 'volumes: !!set {a}', 'cmd: !!float 1']))
    elif trick == 'multi':
        lines += r.choice([['cmd: one', '  two', '  three'], ['cmd: >', '  folded', '  text', '', '  para'], ['cmd: |', '  kept', '   more', '  '], ['cmd: "a \\', '  b"'], ["cmd: 'it''s", "  b'"]])
    elif trick == 'directive':
        lines[:0] = r.choice([['%YAML 1.1', '---'], ['%YAML 1.2', '---'], ['%TAG ! tag:x,2000:', '---'], ['%YAML 3.0', '---']])
    elif trick == 'junk':
        lines.append(r.choice(['- list', '}', 'cmd: [', 'cmd: "unclosed', 'plain text', '  odd: indent', ': x', '@at: 1', 'cmd: a: b', 'cmd: {a: b}', 'cmd: [a]', 'environment: [a]', 'paths: {}', 'archs: x86_64', 'accounts: x']))
    elif trick == 'null':
        lines += r.choice([['cmd:'], ['environment:'], ['paths: ~'], ['accounts: null'], ['volumes: [~, a]'], ['environment: {A: , B: ~, C: 1, D: 1.50, E: true, F: 2001-01-01, G: 0x10, H: 1e3}'], ['layering:'],
                          ['certificates: {}'], ['annotations: {1: 2, true: false, 1.5: x}']])
    if 'archs' in case['config'] and trick != 'duplicate' and r.random() < .1:
        lines.append('format: ' + r.choice(['tar', 'tar', '""', 'zip']))
    case['config_lines'] = lines + ['']


def flags(r, case, names):
    for flag in r.sample(['-p', '-r', '-k', '-b', '--arch', '--sbom', '--annotations', '--sbom-path', '--format', '--offline', '--max', '--sbom-formats'], r.randint(1, 4)):
        if flag == '-p':
            case['flags'] += ['-p', r.choice([names[0], names[0] + ',' + names[-1], 'missing', 'base', names[0] + '>0'])]
        elif flag in ('-r', '-b'):
            add(case, names[0], repo='flagged', pkgver='9.0-r0')
            add(case, 'from-flag', repo='flagged')
            case['flags'] += [flag, r.choice(['repos/flagged', 'repos/flagged,repos/main', '@f repos/flagged', 'repos/flagged/', './repos/flagged'])]
            if r.random() < .5:
                wanted(case).append('from-flag')
        elif flag == '-k':
            case['flags'] += [r.choice(['-k', '--keyring-append']), r.choice(['keys/second.rsa.pub', 'keys/first.rsa.pub', 'keys/gone.pub'])]
            if r.random() < .4:
                case['config']['contents']['keyring'] = []
        elif flag == '--arch':
            case['flags'] += ['--arch', r.choice(['x86_64', 'amd64', 'x86_64,amd64', 'x86_64,aarch64', 'host', 'aarch64', 'all', 'nonsense', ''])]
            case['repos']['main']['archs'] = sorted(set(case['repos']['main']['archs']) | {'x86_64', 'aarch64'})
        elif flag == '--sbom':
            case['flags'] += ['--sbom=' + r.choice(['false', 'true', '0', 'T'])]
        elif flag == '--annotations':
            case['flags'] += ['--annotations', 'flag:v', '--annotations', 'other:w']
        elif flag == '--sbom-path':
            case['flags'] += ['--sbom-path', r.choice(['home', 'gone'])]
        elif flag == '--format':
            case['flags'] += ['--format', r.choice(['tar', 'tar', 'zip', ''])]
        elif flag == '--offline':
            case['flags'] += ['--offline']
        elif flag == '--max':
            case['flags'] += r.choice([['--max-apk-control-size', r.choice(['100', '100000'])], ['--max-apk-data-size', r.choice(['5000', '5000000'])], ['--max-apkindex-decompressed-size', r.choice(['300', '300000'])], ['--max-apk-data-size', '-1'], ['--max-apk-control-size', '0']])
        elif flag == '--sbom-formats':
            case['flags'] += ['--sbom-formats', r.choice(['spdx', 'cyclonedx', '', 'spdx,spdx'])]


def dates(r, case, names):
    if r.random() < .7:
        case['flags'] += ['--build-date', r.choice(['2024-02-29T12:00:00Z', '1970-01-01T00:00:00Z', '2020-01-01T00:00:00+02:00', '1969-12-31T23:59:59Z', '2024-01-01', '2030-06-07T08:09:10.5Z', '', '0001-01-01T00:00:00Z',
                                                    '2106-02-07T06:28:16Z', '9999-12-31T23:59:59Z', '2024-05-06T07:08:09Z', '2023-12-31T23:59:59-11:30', r.choice(['2023-02-29T00:00:00Z', '2024-01-01T00:00:00', '2024-01-01t00:00:00z', '1700000000'])])]
    if r.random() < .5:
        case['env'] = {'SOURCE_DATE_EPOCH': r.choice(['0', '1', '1700000000', '99999999999', '1234567890'] * 3 + ['-1', '', 'x', '1e9', ' 5', '+7', '1.5', '0x10'])}
    for pkg in case['repos']['main']['packages']:
        if r.random() < .4:
            pkg['info']['builddate'] = r.choice([0, 1, 1500000000, 1800000000, 4102444800])


def archs(r, case, names):
    case['config']['archs'] = r.choice([['x86_64', 'aarch64'], ['amd64', 'x86_64'], ['x86_64', 'amd64', 'arm64'], ['arm/v6', 'arm/v7'], ['armv7', 'armhf'], ['all'], ['loong64'], ['riscv64', 's390x'],
                                        ['386', 'amd64'], ['x86', 'i386'], [], ['ppc64le', 'x86_64', 'loongarch64'], sorted(ARCHS), ['x86_64', 'x86_64'], ['host'], ['nonsense'], ['AMD64'], ['arm64', 'x86_64', 'arm64'],
                                        ['s390x', 'riscv64', 'ppc64le', 'loong64', 'arm64', 'arm/v7', 'arm/v6', 'amd64', '386']])
    case['repos']['main']['archs'] = ALL_FOLDERS if r.random() < .9 else ['x86_64']
    for repo in case['repos'].values():
        repo['archs'] = case['repos']['main']['archs']
    if case['config']['archs'] == ['all'] and r.random() < .5:
        case['flags'] += ['--arch', r.choice(['x86_64,aarch64', 'amd64', 'arm/v7'])]


def disagreement(r, case, names):
    case['config']['archs'] = r.choice([['x86_64', 'aarch64'], ['aarch64', 'x86_64'], ['x86_64', 'aarch64', 'riscv64']])
    folders = ['x86_64', 'aarch64', 'riscv64']
    case['repos']['main']['archs'] = folders
    for pkg in case['repos']['main']['packages'][1:]:
        if r.random() < .3:
            pkg['archs'] = r.sample(folders, 2)
        for entry in pkg['files']:
            if entry.get('type') != 'd' and r.random() < .3:
                entry['only'] = [r.choice(folders)]
    for name in names + ['fresh']:
        if r.random() < .5:
            pkg = add(case, name, pkgver=version(r), depend=r.choice([[], ['base'], names[:1]]), provides=r.choice([[], ['any'], ['any=2']]))
            pkg['archs'] = r.sample(folders, r.randint(1, 3))
    if r.random() < .5:
        wanted(case).append(r.choice(['fresh', 'any', names[0] + '>1']))


def broken(r, case, names):
    repo = r.choice(sorted(case['repos']))
    arch = case['repos'][repo]['archs'][0]
    files = ['repos/%s/%s/APKINDEX.tar.gz' % (repo, arch)] + ['repos/%s/%s/%s-%s.apk' % (repo, arch, p['info']['pkgname'], p['info'].get('pkgver', '1.0-r0')) for p in case['repos'][repo]['packages']] * 3
    files += ['keys/first.rsa.pub', 'image.yaml']
    case['damage'] = [{'file': r.choice(files), 'op': r.choice(['cut', 'cut', 'append', 'flip', 'flip', 'flip', 'delete', 'empty', 'replace']), 'at': r.choice([0, .01, .05, .1, .2, .3, .5, .7, .9, .97, 1]),
                       'bit': r.randrange(8), 'data': r.choice(['x', '\0' * 20, 'garbage\n', '\x1f\x8b'])} for _ in range(r.choice([1, 1, 1, 2]))]


def hostile(r, case, names):
    target = r.choice(['path', 'link', 'name', 'user', 'mutation', 'service', 'info', 'cert', 'key', 'env', 'version', 'device'])
    bad = r.choice(['../../up', 'a/../../b', 'x\ny', 'x\r', 'a:b', 'nul\0x', '..', '.', '/', 'esc\x1b[0m', '\udcff\udcfe', 'a' * 300, '//', '-', 'P:fake', '\u202e', 'con\x00', ' '])
    pkg = {'info': {'pkgname': 'hostile'}, 'files': []}
    config = case['config']
    if target == 'path':
        pkg['files'] = [{'path': r.choice(['etc/', '', 'usr/share/']) + bad, 'type': r.choice('ffdl'), 'data': 'x', 'target': 'y'}]
    elif target == 'link':
        pkg['files'] = [{'path': 'etc/hl', 'type': r.choice('lh'), 'target': bad}, {'path': 'etc/hl/x', 'data': 'through'}]
    elif target == 'device':
        pkg['files'] = [{'path': r.choice(['dev', 'dev/null', 'dev/console', 'etc', 'usr']), 'type': r.choice('cbpl'), 'dev': [1, 3], 'target': '/'}]
    elif target == 'name':
        pkg['info']['pkgname'] = bad if '\n' not in bad and '\0' not in bad else 'x y'
    elif target == 'info':
        pkg['info'][r.choice(['pkgdesc', 'url', 'license', 'origin', 'maintainer', 'commit', 'arch'])] = bad
    elif target == 'version':
        pkg['info']['pkgver'] = r.choice(['1.0-r', '', '1..0', 'v1', '1.0_foo1', '99999999999999999999-r0', '1.0-r0-r1', '1.0~git', '01.02-r0', '1.0_alpha_beta-r0', '1a2'])
    case['repos']['main']['packages'].append(pkg)
    wanted(case).append(pkg['info']['pkgname'] if r.random() < .9 else bad)
    if target == 'user':
        config['accounts'] = {'users': [{'username': bad, 'uid': 7, 'homedir': r.choice([bad, '/h'])}], 'groups': [{'groupname': 'g', 'gid': 1, 'members': [bad]}], 'run-as': r.choice([bad, 'x'])}
    elif target == 'mutation':
        config['paths'] = [{'path': bad, 'type': r.choice(['directory', 'empty-file', 'symlink', 'hardlink', 'permissions']), 'source': r.choice([bad, '/etc/passwd']), 'permissions': 0o755}]
    elif target == 'service':
        config['entrypoint'] = {'services': {bad: 'run'}}
    elif target == 'cert':
        config['certificates'] = {'additional': [{'name': bad, 'content': read_key('ec.crt')}]}
    elif target == 'key':
        config['contents']['keyring'].append(bad.replace('\0', ''))
    elif target == 'env':
        config['environment'] = {bad: bad}
        config['volumes'] = [bad]
        config['annotations'] = {bad: bad}


def apkodb(r, case, names):
    """Folders of the package database, where a package makes them itself."""
    kind = r.choice(['usr-merge', 'lib-link', 'own-world', 'own-repos', 'devs', 'own-apko'])
    files = {'usr-merge': [{'path': 'usr/lib', 'type': 'd'}, {'path': 'lib', 'type': 'l', 'target': 'usr/lib'}, {'path': 'bin', 'type': 'l', 'target': 'usr/bin'}],
             'lib-link': [{'path': 'lib/apk', 'type': 'd', 'mode': 0o700}, {'path': 'lib/apk/db', 'type': r.choice('dl'), 'target': '/var/db'}],
             'own-world': [{'path': 'etc/apk/world', 'data': 'mine\n'}, {'path': 'etc/apk/arch', 'data': 'odd\n'}],
             'own-repos': [{'path': 'etc/apk/repositories', 'data': 'https://x\n'}, {'path': 'etc/apk', 'type': 'd', 'mode': 0o700}],
             'devs': [{'path': 'dev', 'type': 'd', 'mode': 0o700}, {'path': r.choice(['dev/null', 'dev/zero', 'dev/own']), 'type': r.choice('cfl'), 'dev': [1, 3], 'target': 'zero'}],
             'own-apko': [{'path': 'etc/apko.json', 'data': '{}', 'type': r.choice('fld'), 'target': 'x'}]}[kind]
    if kind == 'usr-merge' and r.random() < .7:
        base = case['repos']['main']['packages'][0]
        base['files'] = files + [e for e in base['files'] if e['path'] not in ('lib', 'bin', 'usr/lib')]
        for e in base['files']:
            if e['path'] == 'bin/tool' and r.random() < .7:
                e['path'] = 'usr/bin/tool'
        return
    case['repos']['main']['packages'].append({'info': {'pkgname': 'database', 'origin': r.choice(['base', 'database'])}, 'files': files})
    wanted(case).append('database')


def lock(r, case, names):
    case[r.choice(['lock', 'lock', 'from_lock'])] = True


def archive(r, case, names):
    case['archive'] = True
