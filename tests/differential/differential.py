#!/usr/bin/env python3
"""Holds cbuild against an oracle, over cases of random data.

  differential.py run --cbuild BIN --seeds 1000-1999     (the oracle: --apko BIN, or APKO in the environment)
  differential.py show --seeds 17                        the case of a seed, as data
  differential.py one --cbuild BIN case.json             one case against the oracle
  differential.py record golden/differential/NAME case.json   writes the case with what the oracle gives
  differential.py check --cbuild BIN golden/differential      every recorded case, without an oracle

Verdicts: equal (the same bytes, or both refuse); hole (cbuild alone refuses, for a reason listed below); unstable (the
oracle itself gives different results); different. A difference is shrunk and written to --found, ready to be recorded.
"""
import argparse
import json
import os
import re
import shutil
import sys
import tempfile
import time

sys.dont_write_bytecode = True
import generate
import shrink
import stage

ORACLE = 'apko d1b5d5ec'

# Where accepting is a hole and refusing is on purpose: what our message says then.
HOLES = [
    r'control character', r'line break', r'newline', r'line feed', r'NUL byte', r'contains? a colon', r"':'", r'must not hold',
    r'outside (of )?(the|its)', r'climbs?', r"'?\.\.'?", r'escapes?', r'data hash', r'datahash', r'control hash',
    r'duplicate key', r'occurs twice', r'includes? itself', r'sparse', r'owner .* (large|range|fit)', r'does not fit 32 bits', r'too (long|large|deep|many)',
    r'trailing', r'after the (end|data)', r'is no SHA-1', r'can be named',
]


def verdict(case, options, root):
    """(verdict, class, details): the class names the kind of difference, so that shrinking keeps to one kind."""
    stage.stage(case, root)
    first = stage.run(options.apko, case, root, 'a')
    mine = stage.run(options.cbuild, case, root, 'b')
    if mine[0] == 'crash':
        return 'different', 'crash', mine[1]
    if same(first, mine):
        return 'equal', first[0], mine[1]
    if 'timeout' in (first[0], mine[0]):
        return ('unstable', 'timeout', '') if first[0] == 'timeout' else ('different', 'timeout', '')
    for _ in range(options.again):
        again = stage.run(options.apko, case, root, 'c')
        if not same(first, again):
            return 'unstable', 'unstable', ''
    if first[0] == 'ok' and mine[0] == 'refused' and any(re.search(h, reason(mine[1])) for h in HOLES):
        return 'hole', 'hole', mine[1]
    if first[0] != mine[0]:
        return 'different', '%s/%s' % (first[0], mine[0]), 'apko: %s\ncbuild: %s' % (tail(first[1]), tail(mine[1]))
    names = [k for k in sorted(set(first[2]) | set(mine[2])) if first[2].get(k) != mine[2].get(k)]
    kinds = sorted({'sbom' if k.endswith('.spdx.json') else 'lock' if k == 'lock.json' else 'image' for k in names})
    return 'different', '+'.join(kinds), ' '.join(names)


def same(a, b):
    return (a[0], a[2]) == (b[0], b[2]) or (a[0] != 'ok' and b[0] != 'ok' and 'timeout' not in (a[0], b[0]))


def reason(message):
    """What follows the notices."""
    return message[max(message.find('Error:'), 0):]


def tail(message):
    return '\n'.join(message.strip().splitlines()[-3:])[:1500]


def seeds(text):
    low, _, high = text.partition('-')
    return range(int(low), int(high or low) + 1)


def found(case, kind, seed, options, root):
    """Shrinks a difference and writes it down."""
    def still(smaller):
        try:
            return verdict(smaller, options, root)[:2] == ('different', kind)
        except (KeyError, TypeError, ValueError, AttributeError, OSError, IndexError, OverflowError):
            return False
    small = shrink.shrink(case, still, options.effort)
    path = os.path.join(options.found, 'seed-%d' % seed, 'case.json')
    stage.write_file(path, json.dumps(small, indent=1, sort_keys=True).encode() + b'\n')
    return path, verdict(small, options, root)


def run(options):
    counts, started = {}, time.time()
    root = tempfile.mkdtemp(prefix='differential-')
    for seed in seeds(options.seeds):
        if options.minutes and time.time() - started > 60 * options.minutes:
            break
        case = generate.case(seed)
        what, kind, details = verdict(case, options, root)
        key = what + ('' if what != 'equal' else ' (%s)' % kind)
        counts[key] = counts.get(key, 0) + 1
        if what == 'hole' and options.verbose:
            print('seed %d: hole: %s' % (seed, tail(details)), flush=True)
        if what == 'different':
            print('seed %d: %s [%s]: %s' % (seed, kind, ' '.join(case.get('themes', [])), details), flush=True)
            if options.found:
                path, final = found(case, kind, seed, options, root)
                print('  shrunk to %s: %s' % (path, final[2]), flush=True)
    shutil.rmtree(root, ignore_errors=True)
    print('%d cases: %s; %.0f s' % (sum(counts.values()), ', '.join('%s %d' % c for c in sorted(counts.items())),
                                    time.time() - started))
    return 1 if counts.get('different') else 0


def one(options):
    root = options.keep or tempfile.mkdtemp(prefix='differential-')
    with open(options.case) as f:
        result = verdict(json.load(f), options, root)
    print('\n'.join(result))
    if not options.keep:
        shutil.rmtree(root, ignore_errors=True)
    return 0 if result[0] == 'equal' else 1


def record(options):
    with open(options.case) as f:
        case = json.load(f)
    root = tempfile.mkdtemp(prefix='differential-')
    stage.stage(case, root)
    status, _, outputs = stage.run(options.apko, case, root, 'a')
    shutil.rmtree(root, ignore_errors=True)
    expected = {'oracle': ORACLE, 'status': status, 'outputs': stage.summary(outputs)}
    case.pop('themes', None)
    for name, data in (('case.json', case), ('expected.json', expected)):
        stage.write_file(os.path.join(options.folder, name), json.dumps(data, indent=1, sort_keys=True).encode() + b'\n')
    return 0


def check(options):
    failed = 0
    names = sorted(n for n in os.listdir(options.folder) if os.path.isdir(os.path.join(options.folder, n)))
    root = tempfile.mkdtemp(prefix='differential-')
    for name in names:
        with open(os.path.join(options.folder, name, 'case.json')) as f:
            case = json.load(f)
        with open(os.path.join(options.folder, name, 'expected.json')) as f:
            expected = json.load(f)
        stage.stage(case, root)
        status, message, outputs = stage.run(options.cbuild, case, root, 'b')
        if status != expected['status'] or stage.summary(outputs) != expected['outputs']:
            failed += 1
            print('%s: %s, expected %s by %s\n%s' % (name, status, expected['status'], expected['oracle'], tail(message)))
            for key in sorted(set(expected['outputs']) | set(stage.summary(outputs))):
                if expected['outputs'].get(key) != outputs.get(key):
                    print('  %s: %s, expected %s' % (key, outputs.get(key), expected['outputs'].get(key)))
    shutil.rmtree(root, ignore_errors=True)
    print('%d recorded cases, %d failed' % (len(names), failed))
    return 1 if failed or not names else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--apko', default=os.environ.get('APKO', 'apko'))
    parser.add_argument('--cbuild', default='cbuild')
    parser.add_argument('--again', type=int, default=2, help='further runs of the oracle before a difference counts')
    commands = parser.add_subparsers(dest='command', required=True)
    for name in ('run', 'show', 'one', 'record', 'check'):
        command = commands.add_parser(name)
        command.add_argument('--apko', default=argparse.SUPPRESS)
        command.add_argument('--cbuild', default=argparse.SUPPRESS)
        if name in ('run', 'show'):
            command.add_argument('--seeds', required=True)
        if name == 'run':
            command.add_argument('--found', help='folder for shrunk differences')
            command.add_argument('--effort', type=int, default=60, help='seconds of shrinking a difference may take')
            command.add_argument('--minutes', type=float, help='stop after so long')
            command.add_argument('--verbose', action='store_true')
        if name in ('record', 'check'):
            command.add_argument('folder')
        if name in ('one', 'record'):
            command.add_argument('case')
        if name == 'one':
            command.add_argument('--keep', help='folder to stage the case in, and to leave it')
    options = parser.parse_args()
    options.apko = os.path.abspath(shutil.which(options.apko) or options.apko)
    options.cbuild = os.path.abspath(shutil.which(options.cbuild) or options.cbuild)
    for needed in {'run': (options.apko, options.cbuild), 'one': (options.apko, options.cbuild), 'record': (options.apko,),
                   'check': (options.cbuild,), 'show': ()}[options.command]:
        if not os.path.exists(needed):
            parser.error('no program at %s: name it with --cbuild, or the oracle with --apko or APKO' % needed)
    if options.command == 'show':
        for seed in seeds(options.seeds):
            print(json.dumps(generate.case(seed), indent=1, sort_keys=True))
        return 0
    return {'run': run, 'one': one, 'record': record, 'check': check}[options.command](options)


if __name__ == '__main__':
    sys.exit(main())
