"""What the themes draw from."""
import os

import apkwrite

# Every spelling of an architecture that a configuration may use, and the folder of a repository that it means.
ARCHS = {'x86_64': 'x86_64', 'amd64': 'x86_64', 'aarch64': 'aarch64', 'arm64': 'aarch64', 'x86': 'x86', '386': 'x86',
         'i386': 'x86', 'armv7': 'armv7', 'arm/v7': 'armv7', 'armhf': 'armhf', 'arm/v6': 'armhf', 'ppc64le': 'ppc64le',
         'riscv64': 'riscv64', 's390x': 's390x', 'loong64': 'loongarch64', 'loongarch64': 'loongarch64'}
ALL_FOLDERS = sorted(set(ARCHS.values()))

IDS = [0, 1, 10, 999, 1000, 65534, 65535, 65536, 2097151, 2097152, 2147483647, 2147483648, 4294967295]
BAD_IDS = [-1, 4294967296, 1.5, '12', '0x10', 'ten', None, True, 1e3]
MODES = [0, 0o1, 0o400, 0o600, 0o644, 0o755, 0o777, 0o1777, 0o2755, 0o4755, 0o6711, 0o7777, 0o10644, 0o100644, 0xffffffff]
TEXTS = ['', 'a', 'plain', 'two words', 'Ünï', '<&>', 'a=b', '"quoted"', "it's", '$HOME', '\u2028', '日本', 'tab\there',
         'back\\slash', '%s %d', 'x' * 300, ' lead', 'trail ', '😀', '\x7f', '#no comment', '{{.x}}']


def long_name(length, seed='n'):
    """A path of exactly this many bytes, in parts of at most 60."""
    parts, left = [], length
    while left > 61:
        parts.append((seed * 60)[:60])
        left -= 61
    return '/'.join(parts + [(seed * 61)[:left]])


def read_key(name):
    with open(os.path.join(apkwrite.HERE, 'keys', name)) as f:
        return f.read()


def odd_path(r):
    """A path with something about it; nothing that leaves the image."""
    return r.choice(['etc/odd', 'usr/share/two words', 'usr/share/ünï', 'opt/日本/x', 'usr/share/a', 'usr/share/a-b',
                     'usr/share/a/b', 'srv/' + long_name(95), 'srv/' + long_name(96), 'srv/' + long_name(97),
                     'srv/' + long_name(150), 'srv/' + long_name(151), 'srv/' + long_name(152), 'srv/' + long_name(251),
                     'srv/' + long_name(252), 'srv/' + long_name(253), 'srv/' + long_name(300), 'srv/' + 'y' * 101,
                     'srv/' + 'z' * 99 + '/' + 'k' * 100, 'srv/' + 'é' * 50, 'srv/' + 'é' * 127, '.hidden/file',
                     'etc/.dot', 'usr/share/#x', 'usr/share/a\\b', 'usr/share/"q"', 'usr/share/*', 'var/x=y',
                     'usr/share/-dash', 'usr/share/tab\tname', 'usr/share/…/x', 'usr/./share/dot', 'usr//share/slash'])
