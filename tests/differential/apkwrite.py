"""Writes packages, indexes and their signatures, byte for byte the same on every machine.

Compressed members are stored blocks of our own making unless a level is asked for, so that no bytes depend on the zlib
that Python happens to have. Only signing leaves the process: openssl does it, with the keys beside this file.
"""
import base64
import hashlib
import os
import struct
import subprocess
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
BLOCK = 512
TYPES = {'f': b'0', 'h': b'1', 'l': b'2', 'c': b'3', 'b': b'4', 'd': b'5', 'p': b'6', 'v': b'\0', '7': b'7', 'S': b'S'}
signatures = {}


def text_bytes(text):
    """Strings carry bytes that are no UTF-8 as lone surrogates, as JSON can too."""
    return text.encode('utf-8', 'surrogateescape')


def gzip_member(data, level=0):
    """One gzip member without name and time; level 0 means stored blocks."""
    if level:
        packer = zlib.compressobj(level, zlib.DEFLATED, -15)
        body = packer.compress(data) + packer.flush()
    else:
        body = b''
        blocks = [data[i:i + 65535] for i in range(0, len(data), 65535)] or [b'']
        for i, block in enumerate(blocks):
            body += struct.pack('<BHH', i == len(blocks) - 1, len(block), len(block) ^ 0xffff) + block
    return b'\x1f\x8b\x08\0\0\0\0\0\0\xff' + body + struct.pack('<II', zlib.crc32(data), len(data) & 0xffffffff)


def number_field(value, width):
    """An octal field, or base 256 where octal cannot hold the value."""
    if 0 <= value < 8 ** (width - 1):
        return b'%0*o\0' % (width - 1, value)
    return (value & (1 << (8 * width)) - 1 | 1 << (8 * width - 1)).to_bytes(width, 'big')


def tar_header(name, kind, entry, size, link=b'', prefix=b'', magic=b'ustar\x0000'):
    mtime = entry.get('mtime', 0)
    major, minor = entry.get('dev', (0, 0))
    fields = [name[:100].ljust(100, b'\0'), number_field(entry.get('mode', 0o755 if kind == b'5' else 0o644), 8),
              number_field(entry.get('uid', 0), 8), number_field(entry.get('gid', 0), 8), number_field(size, 12),
              number_field(int(mtime // 1), 12), b' ' * 8, kind, link[:100].ljust(100, b'\0'), magic,
              text_bytes(entry.get('uname', 'root'))[:32].ljust(32, b'\0'),
              text_bytes(entry.get('gname', 'root'))[:32].ljust(32, b'\0'),
              number_field(major, 8), number_field(minor, 8), prefix.ljust(155, b'\0'), b'\0' * 12]
    header = b''.join(fields)
    total = sum(header) + entry.get('checksum_off_by', 0)
    return header[:148] + b'%06o\0 ' % total + header[156:]


def padded(data):
    return data + b'\0' * (-len(data) % BLOCK)


def pax_record(key, value):
    rest = b' ' + text_bytes(key) + b'=' + text_bytes(value) + b'\n'
    length = len(rest)
    while length != len(rest) + len(str(length)):
        length = len(rest) + len(str(length))
    return str(length).encode() + rest


def split_name(name):
    """(prefix, name) for a name that fits a ustar header, else None."""
    if len(name) <= 100:
        return b'', name
    for at in range(min(155, len(name) - 1), 0, -1):
        if name[at:at + 1] == b'/' and 0 < len(name) - at - 1 <= 100:
            return name[:at], name[at + 1:]
    return None


def content(entry):
    """The bytes of a file: text, base64, a filling, or a shared object made on the spot."""
    data = entry.get('data', '')
    if isinstance(data, str):
        return text_bytes(data)
    if 'base64' in data:
        return base64.b64decode(data['base64'])
    if 'elf' in data:
        return shared_object(**data['elf'])
    if 'truststore' in data:
        return truststore(**data['truststore'])
    unit = text_bytes(data.get('fill', 'x')) or b'x'
    size = data.get('size', 0)
    return (unit * (size // len(unit) + 1))[:size]


def tar_entry(entry, form):
    """One entry with the extension headers that its form ('pax', 'gnu' or 'ustar') needs."""
    kind = TYPES[entry.get('type', 'f')]
    name, link = text_bytes(entry['path']), text_bytes(entry.get('target', ''))
    if kind == b'5' and not name.endswith(b'/') and not entry.get('bare'):
        name += b'/'
    data = content(entry) if kind in b'0\x007S' else b''
    pax = dict(entry.get('pax', {}))
    if entry.get('checksum', True) and kind in (b'0', b'2'):
        pax.setdefault('APK-TOOLS.checksum.SHA1', hashlib.sha1(data if kind == b'0' else link).hexdigest())
    mtime, split, out = entry.get('mtime', 0), split_name(name), b''
    if form == 'pax' and not split:
        pax.setdefault('path', os.fsdecode(name))
    if form == 'pax' and len(link) > 100:
        pax.setdefault('linkpath', os.fsdecode(link))
    if form == 'pax' and (mtime < 0 or mtime != int(mtime)):
        pax.setdefault('mtime', repr(mtime))
    if form == 'gnu':
        for flag, value in ((b'K', link), (b'L', name)):
            if len(value) > 100:
                out += tar_header(b'././@LongLink', flag, {}, len(value) + 1, magic=b'ustar  \0') + padded(value + b'\0')
    if pax:
        body = b''.join(pax_record(k, v) for k, v in sorted(pax.items()))
        out += tar_header(b'PaxHeaders/x', b'g' if entry.get('global') else b'x', {}, len(body)) + padded(body)
    prefix, short = split if split and form != 'gnu' else (b'', name)
    magic = b'ustar  \0' if form == 'gnu' else b'ustar\x0000'
    return out + tar_header(short, kind, entry, entry.get('size', len(data)), link, prefix, magic) + padded(data)


def tar(entries, closed=True, form='pax'):
    return b''.join(tar_entry(e, form) for e in entries) + (b'\0' * (2 * BLOCK) if closed else b'')


def private_key(name):
    return os.path.join(HERE, 'keys', name)


def sign(data, key, digest):
    wanted = (hashlib.sha256(data).digest(), key, digest)
    if wanted not in signatures:
        signatures[wanted] = subprocess.run(['openssl', 'dgst', '-' + digest, '-sign', private_key(key)], input=data,
                                            check=True, capture_output=True).stdout
    return signatures[wanted]


def signature(data, signing):
    """The member that comes first. signing: {"key", "digest", "name", "bad"}; None gives none."""
    if signing is None:
        return b''
    key, digest = signing.get('key', 'first.rsa'), signing.get('digest', 'sha256')
    made = sign(data, key, digest)
    if signing.get('bad'):
        made = made[:-1] + bytes([made[-1] ^ 1])
    name = '.SIGN.%s.%s' % ({'sha256': 'RSA256', 'sha1': 'RSA'}[digest], signing.get('name', key + '.pub'))
    return gzip_member(tar([{'path': name, 'data': {'base64': base64.b64encode(made).decode()}, 'checksum': False}], False))


INFO_ORDER = ['pkgname', 'pkgver', 'arch', 'size', 'origin', 'pkgdesc', 'url', 'commit', 'builddate', 'maintainer',
              'license', 'depend', 'conflict', 'replaces', 'replaces_priority', 'provides', 'provider_priority',
              'install_if', 'triggers']
RECORD_LETTERS = [('T', 'pkgdesc'), ('U', 'url'), ('L', 'license'), ('o', 'origin'), ('m', 'maintainer'),
                  ('t', 'builddate'), ('c', 'commit'), ('D', 'depend'), ('r', 'replaces'), ('q', 'replaces_priority'),
                  ('p', 'provides'), ('k', 'provider_priority'), ('i', 'install_if')]


def info_lines(fields, datahash):
    lines = []
    for key in INFO_ORDER:
        value = fields.get(key)
        if value is not None:
            lines += ['%s = %s' % (key, item) for item in (value if isinstance(value, list) else [value])]
    return lines + ['datahash = ' + datahash]


def package(pkg, arch):
    """(bytes, record lines) of one package for one architecture; pkg is the plain data that a case holds."""
    level = pkg.get('level', 0)
    entries = [e for e in pkg.get('files', []) if arch in e.get('only', [arch])]
    data = gzip_member(tar(entries, True, pkg.get('form', 'pax')), level)
    fields = {'pkgver': '1.0-r0', 'arch': arch, 'size': sum(len(content(e)) for e in entries if e.get('type', 'f') == 'f')}
    fields.update(pkg.get('info', {}))
    lines = info_lines(fields, pkg.get('datahash', hashlib.sha256(data).hexdigest())) + pkg.get('info_lines', [])
    control = [{'path': '.PKGINFO', 'data': '\n'.join(lines) + '\n', 'checksum': False}]
    for name, body in sorted(pkg.get('scripts', {}).items()):
        control.append({'path': name, 'data': body, 'mode': 0o755, 'checksum': False})
    control = gzip_member(tar(control, False), level)
    blob = signature(control, pkg.get('signing', {})) + control + data
    record = [('C', 'Q1' + base64.b64encode(hashlib.sha1(control).digest()).decode()), ('P', fields.get('pkgname', '')),
              ('V', fields['pkgver']), ('A', fields['arch']), ('S', str(len(blob))), ('I', str(fields['size']))]
    for letter, key in RECORD_LETTERS:
        value = fields.get(key)
        if key == 'depend':
            value = (value or []) + ['!' + c for c in fields.get('conflict', [])]
        if value not in (None, '', []):
            record.append((letter, ' '.join(value) if isinstance(value, list) else str(value)))
    override = pkg.get('record', {})
    record = [(k, override.get(k, v)) for k, v in record if override.get(k, v) is not None]
    return blob, ['%s:%s' % r for r in record] + pkg.get('record_lines', [])


def index(records, options):
    """APKINDEX.tar.gz. options: signing, description, lines (appended as they are), unterminated, extra, closed."""
    text = ''.join('\n'.join(r) + '\n\n' for r in records) + ''.join(x + '\n' for x in options.get('lines', []))
    if options.get('unterminated'):
        text = text.rstrip('\n')
    members = [{'path': 'DESCRIPTION', 'data': options.get('description', 'a repository'), 'checksum': False},
               {'path': 'APKINDEX', 'data': text, 'checksum': False}]
    body = gzip_member(tar(members + options.get('extra', []), options.get('closed', True)))
    return signature(body, options.get('signing', {})) + body


def shared_object(machine=62, soname='', needed=(), wide=True, big=False, kind=3):
    """A shared object that is nothing but a dynamic section with its strings."""
    order = '>' if big else '<'
    word = order + ('QQ' if wide else 'II')
    strings, dynamic = b'\0', b''
    for tag, value in [(1, n) for n in needed] + ([(14, soname)] if soname else []):
        dynamic += struct.pack(word, tag, len(strings))
        strings += text_bytes(value) + b'\0'
    dynamic += struct.pack(word, 0, 0)
    names = b'\0.dynstr\0.dynamic\0.shstrtab\0'
    start = 64 if wide else 52
    at = [start, start + len(strings), start + len(strings) + len(dynamic)]
    table = at[2] + len(names)
    shape = order + ('IIQQQQIIQQ' if wide else 'IIIIIIIIII')
    rows = [(0,) * 10, (1, 3, 2, 0, at[0], len(strings), 0, 0, 1, 0),
            (9, 6, 3, 0, at[1], len(dynamic), 1, 0, 8, len(struct.pack(word, 0, 0))),
            (18, 3, 0, 0, at[2], len(names), 0, 0, 1, 0)]
    ident = b'\x7fELF' + bytes([2 if wide else 1, 2 if big else 1, 1]) + b'\0' * 9
    head = ident + struct.pack(order + ('HHIQQQIHHHHHH' if wide else 'HHIIIIIHHHHHH'), kind, machine, 1, 0, 0, table, 0,
                               start, 0, 0, struct.calcsize(shape), len(rows), 3)
    return head + strings + dynamic + names + b''.join(struct.pack(shape, *r) for r in rows)


def truststore(certificates=(), password='changeit', date=1700000000000):
    """A Java key store in its old form, of trusted certificates: pairs of alias and base64 of DER."""
    body = struct.pack('>III', 0xfeedfeed, 2, len(certificates))
    for alias, der in certificates:
        alias, der = alias.encode(), base64.b64decode(der)
        body += struct.pack('>IH', 2, len(alias)) + alias + struct.pack('>QH', date, 5) + b'X.509'
        body += struct.pack('>I', len(der)) + der
    return body + hashlib.sha1(password.encode('utf-16-be') + b'Mighty Aphrodite' + body).digest()
