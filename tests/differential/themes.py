"""One function a theme: it changes the case in place and draws everything from r."""
import json

from late_themes import *  # noqa: F401,F403  the themes of what comes before and after a plain build
from more_themes import *  # noqa: F401,F403  the themes of repositories, of forms and of damage
from words import BAD_IDS, IDS, MODES, TEXTS, long_name, odd_path, read_key


def some(r, make, low=1, high=4):
    return [make() for _ in range(r.randint(low, high))]


def new_package(case, name, files, **info):
    pkg = {'info': {'pkgname': name, **info}, 'files': files}
    case['repos']['main']['packages'].append(pkg)
    case['config']['contents']['packages'].append(name)
    return pkg


def base_file(case, path):
    for entry in case['repos']['main']['packages'][0]['files']:
        if entry['path'] == path:
            return entry
    entry = {'path': path}
    case['repos']['main']['packages'][0]['files'].append(entry)
    return entry


def accounts(r, case, names):
    def name():
        return r.choice(['app', 'build', 'nobody', 'root', 'a.b', 'under_score', '-x', 'Ünï', 'x' * 40, '1000', 'u g', 'web'])

    def user():
        u = {'username': name(), 'uid': r.choice(IDS[1:])}
        if r.random() < .6:
            u['gid'] = r.choice(IDS)
        if r.random() < .4:
            u['shell'] = r.choice(['/bin/sh', '/sbin/nologin', '', 'sh', '/bin/zsh -l'])
        if r.random() < .6:
            u['homedir'] = r.choice(['/home/x', '/dev/null', '/', '/root', 'relative', '/bin/tool', '/home/a/b/c', '/home/x/',
                                     '/var//x', '/tmp/h', '/usr/bin', '/etc/passwd', '/home/./y', '/nonexistent', ''])
        if r.random() < .05:
            u[r.choice(['uid', 'gid'])] = r.choice(BAD_IDS)
        return u

    def group():
        g = {'groupname': name(), 'gid': r.choice(IDS)}
        if r.random() < .7:
            g['members'] = [name() for _ in range(r.randint(0, 3))]
        return g
    made = {'users': some(r, user, 0, 4), 'groups': some(r, group, 0, 3)}
    if r.random() < .7:
        made['run-as'] = r.choice(['app', 'root', '0', '1000', 'app:build', '1000:1000', 'nobody', 'missing', 65532, 'a.b',
                                   'Ünï', '', ':', 'app:', '0:0', 'web', 1.5, '007'])
    case['config']['accounts'] = made
    if r.random() < .3:
        base_file(case, 'etc/passwd')['data'] = r.choice([
            '', 'root:x:0:0:root:/root:/bin/sh', 'a:x:1:1::/home/a:\n', 'a:x:1:1\n', 'a:x:one:1:::\n', '\n', '# comment\n',
            'root:x:0:0:root:/root:/bin/sh\r\n', 'a:x:4294967296:1:i:/h:/s\n', 'u:x:5:5:Ü:/home/ü:/bin/sh\n',
            'a:b:1:2:c:/deep/er/home:e:f\n', 'a:x: 1:2:c:d:e\n', 'a:x:1:2:c:relative/home:e\n'])
    if r.random() < .3:
        base_file(case, 'etc/group')['data'] = r.choice(['', 'a:x:1:', 'a:x:1\n', 'a:x:1:b,,c\n', 'a:x:-1:\n', 'a::0:b:c\n', '\n\n'])
    if r.random() < .3:
        base_file(case, 'etc/shadow').update({'mode': r.choice([0o640, 0o600, 0]), 'data': r.choice([
            'root:*::0:::::\n', 'root:!:19000:0:99999:7:::\n', '', 'x\n', 'a:b:c\n', 'root:*:::::::', 'a:!:x:0:::::\n'])})


def paths(r, case, names):
    known = ['/etc/passwd', '/usr', '/usr/bin', '/bin/tool', '/usr/share', '/etc', '/', '/var', '/usr/share/' + names[0],
             '/etc/new', '/data', '/data/a/b/c', '/etc/link', '/bin/hard', '/usr/lib/x', '/dev/x', '/proc', '/tmp']

    def mutation():
        kind = r.choice(['directory', 'empty-file', 'hardlink', 'symlink', 'permissions'])
        path = r.choice(known) if r.random() < .7 else '/' + odd_path(r)
        m = {'path': path, 'type': kind}
        if r.random() < .85:
            m['permissions'] = r.choice(MODES)
        for key in ('uid', 'gid'):
            if r.random() < .6:
                m[key] = r.choice(IDS)
        if kind in ('hardlink', 'symlink') or r.random() < .05:
            m['source'] = r.choice(known + ['relative', '../etc/passwd', '/nowhere', '', 'a b', '/etc/ünï', '.', '/etc/link',
                                            '/data/../etc/passwd', 's' * 100, 's' * 101, '/' + long_name(260)])
        if r.random() < .3:
            m['recursive'] = r.choice([True, False, True])
        if r.random() < .15:
            m['path'] = r.choice([m['path'] + '/', m['path'][1:], m['path'] + '/.', '/./' + m['path'], '//x//y', '', '.',
                                  m['path'] + '/sub/dir'])
        if r.random() < .03:
            m['type'] = r.choice(['', 'file', 'Directory', None])
        return m
    case['config']['paths'] = some(r, mutation, 1, 7)


def layering(r, case, names):
    case['config']['layering'] = {'strategy': r.choice(['origin'] * 30 + ['', 'Origin']), 'budget': r.choice([0, 1, 2, 2, 3, 5, 10, 50, 3, 4, 2, -1])}
    packages = case['repos']['main']['packages']
    for i in range(r.randint(2, 14)):
        name = 'layer%d' % i
        files = [{'path': 'opt', 'type': 'd', 'mode': r.choice([0o755, 0o755, 0o700])},
                 {'path': 'opt/' + name, 'data': {'fill': name, 'size': r.choice([0, 100, 100, 100, 2000, 60000])}}]
        pkg = new_package(case, name, files, origin=r.choice([name, 'o1', 'o2', names[0], 'base']))
        if i and r.random() < .4:
            pkg['info']['replaces'] = r.sample(['layer%d' % n for n in range(i)], r.randint(1, min(i, 2)))
            if r.random() < .7:
                files.append({'path': 'opt/' + pkg['info']['replaces'][0], 'data': 'taken over'})
        if i and r.random() < .3:
            pkg['info']['depend'] = ['layer%d' % r.randrange(i)]
        if r.random() < .2:
            pkg['info']['size'] = r.choice([0, 100, 10 ** 12])
        if r.random() < .2:
            files.append({'path': 'opt/link%d' % i, 'type': 'l', 'target': name})
    if r.random() < .3:
        r.shuffle(packages)
        packages.sort(key=lambda p: p['info']['pkgname'] != 'base')


def odd_tar(r, case, names):
    form = r.choice(['pax', 'pax', 'pax', 'gnu', 'ustar'])
    files = []

    def entry():
        path = odd_path(r) if r.random() < .6 else 'odd/%s' % r.choice('abcdefg')
        e = {'path': path, 'type': r.choice('fffffddl' if r.random() < .93 else 'pcbv7'), 'mode': r.choice(MODES[:12])}
        if e['type'] in 'fv7':
            e['data'] = r.choice(['', 'text\n', {'fill': 'ab', 'size': r.choice([511, 512, 513, 1048576, 40000])}])
        if e['type'] == 'l':
            e['target'] = r.choice(['a', '../etc/passwd', '/etc/passwd', '.', 'x' * 100, 'x' * 101, 'ünï', 'no/such', '/'])
        if e['type'] in 'cb':
            e['dev'] = [r.choice([0, 1, 255, 2097151]), r.choice([0, 3, 2097151])]
        if r.random() < .5:
            e['mtime'] = r.choice([0, 1, -1, 1.5, -1.5, 0.999999999, 1700000000.123456, 8589934591, 8589934592, -62135596800])
        if r.random() < .4:
            e['uid'], e['gid'] = r.choice(IDS[:10]), r.choice(IDS[:10])
        if r.random() < .3:
            e['uname'], e['gname'] = r.choice(['', 'app', 'Ünï', 'x' * 32]), r.choice(['', 'grp', 'y' * 31])
        if r.random() < .3:
            e['pax'] = r.choice([{'SCHILY.xattr.user.x': 'v'}, {'SCHILY.xattr.security.capability': '\x01\x00\x00\x02'},
                                 {'SCHILY.xattr.user.a': '', 'SCHILY.xattr.user.b': 'ü'}, {'comment': 'hello'},
                                 {'LIBARCHIVE.creationtime': '1.5'}, {'atime': '1.25', 'ctime': '2.5'}, {'GNU.x': 'y'},
                                 {'VENDOR.key': 'value'}, {'uname': 'paxname'}, {'size': '3'}, {'SCHILY.xattr.': 'x'}])
        if r.random() < .1:
            e['checksum'] = False
        if r.random() < .04:
            e['pax'] = {'APK-TOOLS.checksum.SHA1': r.choice(['', 'zz', '00', 'Q1abc', 'A' * 40])}
        return e
    for e in some(r, entry, 1, 8):
        parent = e['path'].rsplit('/', 1)[0]
        if r.random() < .8:
            parts = parent.split('/')
            files += [{'path': '/'.join(parts[:n + 1]), 'type': 'd'} for n in range(len(parts))
                      if '/'.join(parts[:n + 1]) not in [f['path'] for f in files]]
        files.append(e)
    if r.random() < .15:
        files.insert(0, {'path': r.choice(['.', './', '.hiddenroot', '.INSTALL', '/abs', './usr/x']), 'type': r.choice('fd'), 'data': 'x'})
    new_package(case, 'odd', files)['form'] = form


def links(r, case, names):
    files = [{'path': 'ln', 'type': 'd'}, {'path': 'ln/file', 'data': 'content', 'mtime': 5, 'mode': 0o4755}, {'path': 'ln/dir', 'type': 'd'},
             {'path': 'ln/dir/in', 'data': 'inside'}]
    for i in range(r.randint(1, 8)):
        known = [f['path'] for f in files]
        kind = r.choice('hhlll')
        target = r.choice(known) if kind == 'h' else r.choice(['../' + r.choice(known), '/' + r.choice(known), 'file', 'dir', 'l0', 'l1', 'l2', 'gone', '..'])
        if r.random() < .05:
            target = r.choice(['ln/later', '/ln/file', './ln/file', 'ln//file', 'ln/l%d' % i, ''])
        files.append({'path': 'ln/l%d' % i, 'type': kind, 'target': target if kind == 'l' or r.random() < .2 else r.choice(['ln/file', 'ln/file', 'ln/dir/in']), 'mode': r.choice([0o777, 0o644, 0o755])})
    for i in range(r.randint(0, 3)):
        files.append({'path': 'ln/l%d/through%d' % (r.randrange(4), i), 'type': r.choice('fd'), 'data': 'via link'})
    new_package(case, 'links', files)
    if r.random() < .4:
        new_package(case, 'after', [{'path': r.choice(['ln', 'ln/dir', 'ln/l0', 'ln/l1']), 'type': r.choice('dlf'), 'target': r.choice(['dir', '/usr']), 'data': 'x'},
                                    {'path': r.choice(['ln/l0/x', 'ln/dir/y', 'ln/l1/z']), 'data': 'after'}],
                    replaces=r.choice([['links'], []]), origin=r.choice(['links', 'after']))


def overwrites(r, case, names):
    shared = ['ow/a', 'ow/b', 'ow/c', 'ow/d/e']
    for i in range(r.randint(2, 4)):
        files = [{'path': 'ow', 'type': 'd', 'mode': r.choice([0o755, 0o700, 0o1777])}, {'path': 'ow/d', 'type': 'd'}]
        for path in r.sample(shared, r.randint(1, 3)):
            kind = r.choice('ffffffld')
            files.append({'path': path, 'type': kind, 'data': r.choice(['same', 'same', 'same', 'other %d' % i]), 'target': r.choice(['a', 'same']),
                          'mode': r.choice([0o644, 0o644, 0o755]), 'mtime': r.choice([0, 7])})
        info = {'origin': r.choice(['over', 'over', 'over', 'over%d' % i])}
        if r.random() < .5:
            info['replaces'] = [r.choice(['over%d' % n for n in range(4)] + ['over0<2', 'over1=1.0-r0', 'over2>9', 'none'])]
        if r.random() < .3:
            info['replaces_priority'] = r.choice([0, 1, 5, -1, 'x'])
        if i and r.random() < .5:
            info['depend'] = ['over%d' % (i - 1)]
        new_package(case, 'over%d' % i, files, **info)


def certificates(r, case, names):
    bodies = [read_key(n) for n in ('rsa.crt', 'ec.crt', 'ed.crt', 'leaf.crt')]

    def body():
        one = r.choice(bodies)
        return r.choice([one] * 30 + [one.replace('\n', '\r\n'), 'A comment\n' + one, one + r.choice(bodies), one.rstrip('\n'), one + '\n\n',
                                     '', 'none', one.replace('CERTIFICATE', 'TRUSTED CERTIFICATE'), one[:200], one.replace('M', 'N', 1),
                                     ' ' + one, read_key('first.rsa.pub')])
    made = {}
    if r.random() < .8:
        made['additional'] = [{'name': r.choice(['root', 'a.b', 'c-d_e', 'X1', 'root', '.hidden', 'a/b', '', 'ü', 'x' * 200]) if r.random() < .1
                               else r.choice(['root', 'corp', 'x.y', 'A-1']), 'content': body()} for _ in range(r.randint(0, 3))]
    if r.random() < .5:
        made['providers'] = r.sample(['custom-ca-certificates', 'extra-ca', 'none'], r.randint(1, 2))
    case['config']['certificates'] = made
    folder = 'usr/local/share/ca-certificates'
    if r.random() < .7:
        files = [{'path': '%s/%s' % (folder, n), 'data': body(), 'mode': 0o644} for n in r.sample(['one.crt', 'two.pem', 'three.txt', 'sub/four.crt'], 2)]
        if r.random() < .2:
            files.append({'path': folder + '/link.crt', 'type': 'l', 'target': r.choice(['one.crt', 'gone', '/etc/ssl/certs/ca-certificates.crt'])})
        new_package(case, 'company-ca', files, provides=r.choice([['custom-ca-certificates'], ['extra-ca=1'], ['extra-ca', 'x']]))
    bundles = []
    for path in ('etc/ssl/certs/ca-certificates.crt', 'var/lib/ecs/deps/execute-command/certs/tls-ca-bundle.pem', 'kaniko/ssl/certs/ca-certificates.crt'):
        if r.random() < .6:
            bundles.append({'path': path, 'data': r.choice([bodies[0], bodies[0].rstrip('\n'), '', bodies[1] + bodies[2]]), 'mode': r.choice([0o644, 0o444, 0o600])})
    if r.random() < .15:
        bundles.append({'path': 'etc/ssl/cert.pem', 'type': 'l', 'target': 'certs/ca-certificates.crt'})
    if r.random() < .5:
        der = lambda n: ''.join(read_key(n).split('-----')[2].split())
        stores = [{'truststore': {'certificates': [], 'date': 0}}, {'truststore': {'certificates': [['old', der('ec.crt')]]}},
                  {'truststore': {'certificates': [['Root', der('rsa.crt')], ['b', der('ed.crt')]], 'date': r.choice([0, 999, 1700000000123])}},
                  {'truststore': {'certificates': [], 'password': 'other'}}, 'garbage', '']
        bundles.append({'path': 'etc/ssl/certs/java/cacerts', 'data': r.choice(stores[:3] * 4 + stores), 'mode': r.choice([0o644, 0o444])})
    if bundles:
        new_package(case, 'bundles', bundles)


def services(r, case, names):
    new_package(case, 's6', [{'path': 'bin/s6-svscan', 'data': 'x', 'mode': 0o755}] + r.choice([[], [{'path': 'sv', 'type': 'd', 'mode': 0o700}]]))
    if r.random() < .8:
        case['config']['contents']['packages'].remove('s6')
    case['config']['entrypoint'] = {'type': r.choice(['service-bundle'] * 4 + ['other', '']), 'services': {
        r.choice(['web', 'db', 'a.b', 'ünï', 'two words', 'nested/name', 'X' * 90]): r.choice(['/bin/run', 'a "b" c', '', 'multi\nline', '$X', '<&>'])
        for _ in range(r.randint(0, 3))}}


def keyring(r, case, names):
    public = read_key('second.rsa.pub')
    case['config']['contents']['runtime_keyring'] = [
        {'name': 'k%d' % n if r.random() < .6 else r.choice(['mirror.rsa.pub', 'a', 'x_y-z', 'first.rsa.pub', '.dot', 'a/b', '']),
         'content': r.choice([public] * 16 + [public.rstrip('\n'), public.replace('\n', '\r\n'), 'text\n' + public, public + public, '', 'junk',
                                             read_key('ec.crt'), public.replace('PUBLIC', 'RSA PUBLIC')])} for n in range(r.randint(1, 3))]
    if r.random() < .4:
        case['config']['contents']['keyring'].append(r.choice(['keys/second.rsa.pub'] * 4 + ['keys/gone.pub', 'keys/first.rsa.pub', './keys/second.rsa.pub']))
    if r.random() < .2:
        new_package(case, 'keys', [{'path': 'etc/apk/keys/' + r.choice(['mirror.rsa.pub', 'first.rsa.pub', 'own.pub']), 'data': public}])


def busybox(r, case, names):
    name = r.choice(['busybox', 'busybox', 'busybox', 'mybox'])
    files = [{'path': 'bin', 'type': 'd'}, {'path': 'bin/busybox', 'data': 'bb', 'mode': 0o755, 'mtime': r.choice([0, 1700000000])}]
    if r.random() < .4:
        files.append({'path': 'etc/busybox-paths.d/' + r.choice([name, name, 'other']), 'data': r.choice([
            '/bin/ls\n/usr/bin/env\n', '', '/bin/busybox\n/bin/sh\n/bin/sh\n', 'relative\n', '/bin/tool\n', '/new/dir/x\r\n', '/etc/passwd\n/ünï/y',
            '/a/../b/c\n', '/bin//double\n', 'rel/x\n', '/usr/share/\n', '/usr\n', ' /sp/x\n'])})
    if r.random() < .3:
        files += r.choice([[{'path': 'bin/ls', 'data': 'real'}], [{'path': 'bin/ls', 'type': 'd'}], [{'path': 'bin/ls', 'type': 'l', 'target': 'gone'}],
                           [{'path': 'usr/sbin', 'type': 'l', 'target': 'bin'}], [{'path': 'sbin', 'type': 'd', 'mode': 0o700, 'mtime': 9}]])
    info = {'pkgver': r.choice(['1.36.1-r0', '1.35.0-r9', '1.37.0-r12', '1.34.1', '9.9.9-r1', '1.36.0-r2', '1.33.1-r1', '1.36.1-r3', '1.37.0-r0', '1.30-r0' if r.random() < .2 else '1.32.0-r0', '1.36.1-r0_x' if r.random() < .2 else '1.31.1-r0'])}
    if name == 'mybox' and r.random() < .8:
        info['provides'] = r.choice([['busybox'], ['busybox=1.36.1'], ['cmd:busybox=1']])
    new_package(case, name, files, **info)


def ldso(r, case, names):
    conf = r.choice(['', '/usr/lib\n', '/usr/lib\n/usr/local/lib\n', '# c\n/usr/lib # x\n', 'include /etc/ld.so.conf.d/*.conf\n/usr/lib\n', 'usr/lib\n',
                     '/usr/lib\n/usr/lib\n', '/gone\n', '/usr/lib/\n', '  /usr/lib  \n', 'include /etc/none\n', '/usr/lib\r\n', 'hwcap 1 x\n', 'include ld.so.conf.d/*.conf\n'])
    files = [{'path': 'etc/ld.so.conf', 'data': conf}, {'path': 'lib', 'type': 'd'}, {'path': 'usr/lib', 'type': 'd'}]
    if r.random() < .4:
        files.append({'path': 'etc/ld.so.conf.d/%s' % r.choice(['a.conf', 'b.txt', 'ü.conf']), 'data': r.choice(['/usr/local/lib\n', '/opt/lib\n/usr/lib\n'])})
    for i in range(r.randint(0, 8)):
        folder = r.choice(['lib', 'usr/lib', 'usr/local/lib', 'usr/lib/sub', 'opt/lib'])
        name = r.choice(['lib%s.so', 'lib%s.so.1', 'lib%s.so.1.2.3', 'lib%s-2.0.so', '%s.so', 'lib%s.so.10', 'ld-linux-%s.so.2', 'ld-%s.so.1', 'lib%s.a', 'lib%s.so.x'])
        name = name % r.choice(['a', 'b', 'a1', 'A', 'c', 'a_b', 'a10', 'a9', 'ü'])
        if r.random() < .25:
            files.append({'path': '%s/%s' % (folder, name), 'type': 'l', 'target': r.choice(['liba.so.1', 'libb.so', '/lib/liba.so', 'gone', '.', name])})
            continue
        data = {'elf': {'machine': r.choice([62, 62, 183, 3, 40, 243, 22]), 'soname': r.choice(['', 'liba.so.1', 'libz.so', name, 'lib' + 'l' * 40]),
                        'wide': r.random() < .85, 'big': r.random() < .1, 'kind': r.choice([3, 3, 3, 3, 2, 1]), 'needed': r.choice([[], ['libc.so.6']])}}
        files.append({'path': '%s/%s' % (folder, name), 'mode': 0o755, 'data': data if r.random() < .9 else r.choice(['', '\x7fELF', 'text', '\x7fELF' + 'x' * 60])})
    if r.random() < .2:
        files.append({'path': 'etc/ld.so.cache', 'data': 'old'})
    new_package(case, 'dynamic', files)


def os_release(r, case, names):
    entry = base_file(case, 'etc/os-release')
    entry['data'] = r.choice(['', 'ID=x\n', 'NAME=plain\nVERSION_ID=3', "ID='single'\nNAME='S Q'\nVERSION_ID=\"1\"\n", 'ID="a\\"b"\n', '# c\nID=y # z\n', 'ID\n',
                              'ID = spaced\n', 'ID=a\nID=b\n', 'ID=Ünï\nNAME="Ünï <&>"\nVERSION_ID=ü\n', 'ID=""\nNAME=""\nVERSION_ID=""\n', 'export ID=q\n',
                              '\r\nID=crlf\r\nNAME=n\r\n', 'NAME="multi\nline"\nID=z\n', 'ID=a b\nVERSION_ID=1:2/3\n', 'PRETTY_NAME=only\n', 'ID=a=b\n', 'NAME=' + 'n' * 70000 + '\n'])
    if r.random() < .25:
        entry.update(r.choice([{'type': 'l', 'target': '../usr/lib/os-release'}, {'type': 'l', 'target': 'gone'}, {'type': 'd'}, {'path': 'etc/other'}]))
        base_file(case, 'usr/lib/os-release')['data'] = 'ID=behind\nNAME=Link\nVERSION_ID=7\n'


def spdx(r, name, version):
    root = 'SPDXRef-Package-%s-%s' % (name, version)
    ids = [root] + ['SPDXRef-Package-p%d' % i for i in range(r.randint(0, 3))]
    packages = []
    for pid in ids:
        p = {'SPDXID': pid, 'name': r.choice([name, 'Ünï <&>', '']), 'versionInfo': version, 'filesAnalyzed': r.choice([True, False]),
             'licenseConcluded': r.choice(['MIT', 'NOASSERTION', '']), 'licenseDeclared': 'LicenseRef-x', 'downloadLocation': 'NOASSERTION',
             'copyrightText': r.choice(['', 'C\n2020', 'NOASSERTION'])}
        for key, value in (('supplier', 'Organization: S'), ('originator', 'Person: O'), ('description', 'd <>'), ('homepage', 'https://x/?a&b'),
                           ('sourceInfo', 's'), ('primaryPackagePurpose', 'APPLICATION'), ('attributionTexts', ['a', 'b']), ('comment', 'lost'),
                           ('packageVerificationCode', {'packageVerificationCodeValue': 'aa'}), ('packageFileName', 'f'), ('hasFiles', ['x']),
                           ('checksums', [{'algorithm': 'SHA1', 'checksumValue': 'ab'}, {'algorithm': 'SHA256', 'checksumValue': 'cd'}]),
                           ('externalRefs', [{'referenceCategory': 'PACKAGE-MANAGER', 'referenceLocator': 'pkg:apk/x/y@1?arch=z', 'referenceType': 'purl'}])):
            if r.random() < .35:
                p[key] = value
        packages.append(p)
    relations = [{'spdxElementId': r.choice(ids), 'relationshipType': r.choice(['CONTAINS', 'DEPENDS_ON', 'DESCRIBES', 'GENERATED_FROM']),
                  'relatedSpdxElement': r.choice(ids + ['SPDXRef-File-x', 'NOASSERTION'] if r.random() < .15 else ids)} for _ in range(r.randint(0, 4))]
    doc = {'SPDXID': 'SPDXRef-DOCUMENT', 'spdxVersion': 'SPDX-2.3', 'name': 'doc', 'dataLicense': 'CC0-1.0', 'documentNamespace': 'https://x/y',
           'creationInfo': {'created': '2023-01-01T00:00:00Z', 'creators': ['Tool: t'], 'licenseListVersion': '3.20'},
           'packages': packages, 'relationships': relations}
    if r.random() < .7:
        doc['documentDescribes'] = [root]
    if r.random() < .4:
        relations.insert(0, {'spdxElementId': 'SPDXRef-DOCUMENT', 'relationshipType': 'DESCRIBES', 'relatedSpdxElement': r.choice(ids)})
    if r.random() < .4:
        doc['hasExtractedLicensingInfos'] = [{'licenseId': r.choice(['LicenseRef-x', 'LicenseRef-y']), 'extractedText': r.choice(['one', 'two', 'Ü\n'])} for _ in range(2)]
    if r.random() < .2:
        doc['externalDocumentRefs'] = [{'externalDocumentId': 'DocumentRef-a', 'spdxDocument': 'https://a', 'checksum': {'algorithm': 'SHA1', 'checksumValue': 'aa'}}]
    if r.random() < .2:
        doc['files'] = [{'SPDXID': 'SPDXRef-File-x', 'fileName': 'x', 'checksums': []}]
    return doc


def sbom(r, case, names):
    for pkg in r.sample(case['repos']['main']['packages'], r.randint(1, min(3, len(case['repos']['main']['packages'])))):
        name, version = pkg['info']['pkgname'], pkg['info'].get('pkgver', '1.0-r0')
        doc = spdx(r, name, version)
        text = json.dumps(doc, ensure_ascii=r.random() < .5, indent=r.choice([None, 2]))
        odd = r.random()
        if odd < .3:
            text = r.choice([text[:len(text) // 2], '', 'null', '[]', '{}', text + 'x', text + ' ', text.replace('"packages"', '"PACKAGES"'), text.replace('"MIT"', '7'),
                             text.replace('"SPDXID"', '"spdxid"'), text.replace('true', '"true"'), '\ufeff' + text, text.replace('"doc"', '"\\ud800"'),
                             text.replace('"name"', '"name": "first", "name"'), text.replace('[', '{', 1), text.replace('"versionInfo"', '"x": [[[]]], "versionInfo"')])
        where = r.choice(['%s-%s.spdx.json' % (name, version), '%s-%s.spdx.json' % (name, version.rsplit('-r', 1)[0]), '%s.spdx.json' % name,
                          '%s-%s.spdx.json' % (name, version)])
        pkg['files'].append({'path': 'var/lib/db/sbom/' + where, 'data': text, 'type': 'f' if r.random() < .97 else 'd'})
    case['config']['contents']['packages'] = ['base'] + r.sample(names, len(names))
