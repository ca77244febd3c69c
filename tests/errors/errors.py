#!/usr/bin/env python3
"""Holds what cbuild says when it refuses against golden/errors/: exit code, the exact text, and that nothing was written.

  errors.py check CBUILD [NAME...]     what ctest runs
  errors.py record CBUILD [NAME...]    writes what cbuild says now into the cases; read it before committing it
  errors.py oracle CBUILD [NAME...]    whether the reference, APKO in the environment, refuses where a case says so

A case is a text file. Its first line says what is wrong; then follow sections:
  apko: refuses | accepts, and why cbuild does not | has no such thing
  [files]          "== NAME", then the lines of that file
  [repository X]   a signed repository in folder X: JSON as tests/differential/ has it
  [prepare]        shell, in a copy of examples/; `flip FILE AT` and `cut_at FILE AT` damage a file at a byte (from the end
                   where negative)
  [serve]          a server at PORT: "PATH STATUS", then "Name: value" headers and "= body", by " | "; other paths are files
  [run]            shell; its standard error and exit status are what is compared
  [exit], [stderr] the expectation. DIR is the folder, PORT the server's port, DIGEST that of a layer; INFO lines, which tell of progress, are left out
"""
import concurrent.futures
import difflib
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import zlib

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
CASES = os.path.join(SOURCE, 'golden', 'errors')
sys.path.insert(0, os.path.join(SOURCE, 'tests', 'differential'))
import stage  # noqa: E402

TOOLS = r'''
at() { [ "$2" -lt 0 ] && echo $(($(wc -c < "$1") + $2)) || echo "$2"; }
cut_at() { truncate -s "$(at "$1" "$2")" "$1"; }
flip() { a=$(at "$1" "$2"); b=$(od -An -tu1 -j"$a" -N1 "$1"); printf "\\$(printf %o $((b ^ 1)))" |
  dd of="$1" bs=1 seek="$a" conv=notrunc status=none; }
'''
TIMEOUT = 20
SECTION = re.compile(r'^\[(files|repository|prepare|serve|run|exit|stderr)(?: (\S+))?\]$')


def read_case(name):
    """The title, the apko line, and the sections in their order."""
    with open(os.path.join(CASES, name + '.case'), encoding='utf-8') as f:
        lines = f.read().split('\n')
    case = {'name': name, 'title': lines[0], 'apko': lines[1], 'sections': []}
    for line in lines[2:]:
        found = SECTION.match(line)
        if found:
            case['sections'].append((found[1], found[2], []))
        elif case['sections']:
            case['sections'][-1][2].append(line)
    return case


def body(case, kind):
    found = [lines for k, _, lines in case['sections'] if k == kind]
    return '\n'.join(found[0]).strip('\n') if found else ''


def write_case(case, status, text):
    out = [case['title'], case['apko']]
    for kind, name, lines in case['sections']:
        if kind not in ('exit', 'stderr'):
            out += ['[%s%s]' % (kind, ' ' + name if name else '')] + '\n'.join(lines).strip('\n').split('\n')
    out += ['[exit]', str(status), '[stderr]', text.rstrip('\n'), '']
    with open(os.path.join(CASES, case['name'] + '.case'), 'w', encoding='utf-8') as f:
        f.write('\n'.join(out))


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        length = int(self.headers.get('Content-Length') or 0)
        self.rfile.read(length)
        path = self.path.split('?')[0]
        status, headers, data = self.server.rules.get(path, (0, [], b''))
        file = os.path.join(self.server.folder, path.lstrip('/'))
        if not status and os.path.isfile(file):
            with open(file, 'rb') as f:
                status, data = 200, f.read()
        self.send_response(status or 404)
        names = [n.lower() for n, _ in headers]
        if status == 200 and 'etag' not in names:
            self.send_header('ETag', '"%x"' % zlib.crc32(data))
        for n, v in headers:
            self.send_header(n, v)
        if 'content-length' not in names:
            self.send_header('Content-Length', str(len(data)))
        self.end_headers()
        if self.command != 'HEAD':
            try:
                self.wfile.write(data)
            except ConnectionError:
                pass
        self.close_connection = True

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = answer

    def log_message(self, *args):
        pass


def serve(rules, folder):
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    server.folder, server.rules, server.daemon_threads = folder, {}, True
    port = str(server.server_port)
    for rule in filter(None, rules.replace('PORT', port).split('\n')):
        first, *rest = rule.split(' | ')
        path, status = first.split()
        data = [r[2:] for r in rest if r.startswith('= ')]
        headers = [tuple(r.split(': ', 1)) for r in rest if not r.startswith('= ')]
        server.rules[path] = (int(status), headers, data[0].encode().decode('unicode_escape').encode('latin-1') if data else b'')
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server, port


def listing(folder):
    found = {}
    for where, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(where, name)
            st = os.lstat(path)
            found[os.path.relpath(path, folder)] = (st.st_mode, st.st_size, st.st_mtime_ns if name in files else 0)
    return found


def shell(text, port, state, status=None):
    env = {'PATH': os.path.join(state, 'bin') + ':' + os.environ.get('PATH', ''), 'HOME': os.path.join(state, 'home'),
           'TMPDIR': os.path.join(state, 'tmp'), 'XDG_CACHE_HOME': os.path.join(state, 'cache'), 'LC_ALL': 'C'}
    for name in ('ASAN_OPTIONS', 'UBSAN_OPTIONS', 'LSAN_OPTIONS'):
        if name in os.environ:
            env[name] = os.environ[name]
    done = subprocess.run(['sh', '-c', TOOLS + text.replace('PORT', port)], cwd=os.path.join(state, 'work'), env=env,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT)
    if status is not None and done.returncode != status:
        raise RuntimeError('preparing failed: ' + done.stderr.decode())
    return done


def link_program(state, program):
    link = os.path.join(state, 'bin', 'cbuild')
    if os.path.lexists(link):
        os.unlink(link)
    os.symlink(os.path.abspath(program), link)


def prepare(case, state, program):
    work = os.path.join(state, 'work')
    shutil.copytree(os.path.join(SOURCE, 'examples'), work)
    for folder in ('home', 'tmp', 'cache', 'bin'):
        os.mkdir(os.path.join(state, folder))
    link_program(state, program)
    for kind, name, lines in case['sections']:
        if kind == 'files':
            for part in ('\n' + '\n'.join(lines)).split('\n== ')[1:]:
                file, _, text = part.partition('\n')
                stage.write_file(os.path.join(work, file), text.encode('utf-8', 'surrogateescape'))
        elif kind == 'repository':
            stage.stage_repository(os.path.join(work, name), json.loads('\n'.join(lines)))
            shutil.copy(os.path.join(stage.KEYS, 'first.rsa.pub'), os.path.join(work, 'keys'))
            shutil.copy(os.path.join(stage.KEYS, 'second.rsa.pub'), os.path.join(work, 'keys'))


def execute(case, program, preparing=None):
    """(exit status, what was said, what was written) of one run; another program may prepare it."""
    state = os.path.realpath(tempfile.mkdtemp(prefix='cbuild-errors-'))
    server, port = None, '0'
    try:
        prepare(case, state, preparing or program)
        if any('PORT' in line for _, _, lines in case['sections'] for line in lines):
            server, port = serve(body(case, 'serve'), os.path.join(state, 'work'))
        if body(case, 'prepare'):
            shell(body(case, 'prepare'), port, state, 0)
        link_program(state, program)
        before = listing(os.path.join(state, 'work'))
        done = shell(body(case, 'run'), port, state)
        after = listing(os.path.join(state, 'work'))
        wrote = sorted(p for p in set(before) | set(after) if before.get(p) != after.get(p))
        wrote += ['TMPDIR/' + p for p in listing(os.path.join(state, 'tmp'))] + ['stdout'] * bool(done.stdout)
        text = done.stderr.decode('utf-8', 'backslashreplace').replace(os.path.join(state, 'work'), 'DIR')
        text = text.replace(state, 'STATE').replace(':' + port if server else '\0', ':PORT')
        text = re.sub('uploading sha256:[0-9a-f]{64}', 'uploading sha256:DIGEST', text)
        text = ''.join(line for line in text.splitlines(True) if not line.startswith('INFO '))
        return done.returncode, text, wrote
    finally:
        if server:
            server.shutdown()
            server.server_close()
        shutil.rmtree(state, ignore_errors=True)


def check(case, program):
    status, text, wrote = execute(case, program)
    problems = ['written: ' + ', '.join(wrote)] if wrote else []
    if str(status) != body(case, 'exit'):
        problems.append('exit %s, expected %s' % (status, body(case, 'exit')))
    want, got = body(case, 'stderr').split('\n'), text.rstrip('\n').split('\n')
    problems += list(difflib.unified_diff(want, got, 'golden', 'said', lineterm='', n=1))
    return problems


def record(case, program):
    status, text, wrote = execute(case, program)
    write_case(case, status, text)
    return (['written: ' + ', '.join(wrote)] if wrote else []) + (['exit %s' % status] if status not in (1, 2) else [])


def oracle(case, program):
    if case['apko'].startswith('apko: has no'):
        return []
    try:
        status, text, _ = execute(case, os.environ['APKO'], program)
    except subprocess.TimeoutExpired:
        status, text = 0, ''
    says = case['apko'].startswith('apko: refuses')
    if os.environ.get('VERBOSE'):
        print(case['name'], status, text.strip()[-400:])
    return [] if (status != 0) == says else ['apko ' + ('refuses: ' + text.strip()[-300:] if status else 'accepts')]


def main():
    action = {'check': check, 'record': record, 'oracle': oracle}[sys.argv[1]]
    program = sys.argv[2]
    names = sys.argv[3:] or sorted(f[:-5] for f in os.listdir(CASES) if f.endswith('.case'))
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        results = list(threads.map(lambda n: action(read_case(n), program), names))
    failed = 0
    for name, problems in zip(names, results):
        if problems:
            failed += 1
            print('%s:\n  %s' % (name, '\n  '.join(problems)))
    print('%d cases, %d with something to say' % (len(names), failed))
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
