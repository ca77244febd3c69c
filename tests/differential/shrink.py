"""Makes a case smaller for as long as it still shows the same difference.

A case is a tree of objects, lists, strings and numbers. Every object's key and every run of a list's elements may go;
what is left becomes simpler: strings shorter, numbers smaller. Passes repeat until one changes nothing or time is up.
"""
import copy
import json
import time


def shrink(case, still, seconds):
    """still(case) says whether the difference is still there."""
    end = time.time() + seconds

    def keep(candidate):
        return time.time() < end and still(candidate)

    if 'config' in case and case.get('style') is None and 'config_lines' not in case:
        case = copy.deepcopy(case)
    case = without(case, ['themes', 'seed'])
    before = None
    while before != case and time.time() < end:
        before = copy.deepcopy(case)
        case = drop(case, keep)
        case = simplify(case, keep)
    return case


def without(case, keys):
    return {k: v for k, v in case.items() if k not in keys}


def places(node, path=()):
    """Every container of the tree, outermost first: what lies high removes most."""
    todo = [(path, node)]
    while todo:
        path, node = todo.pop(0)
        if isinstance(node, (dict, list)):
            yield path
            items = node.items() if isinstance(node, dict) else enumerate(node)
            todo += [(path + (k,), v) for k, v in items]


def at(case, path):
    for step in path:
        case = case[step]
    return case


def drop(case, keep):
    for path in list(places(case)):
        try:
            node = at(case, path)
        except (KeyError, IndexError, TypeError):
            continue
        if isinstance(node, dict):
            for key in sorted(node):
                candidate = copy.deepcopy(case)
                del at(candidate, path)[key]
                if keep(candidate):
                    case = candidate
        elif isinstance(node, list):
            case = drop_runs(case, path, keep)
    return case


def drop_runs(case, path, keep):
    """Halves first, then smaller runs."""
    size = len(at(case, path))
    while size:
        start = 0
        while start < len(at(case, path)):
            candidate = copy.deepcopy(case)
            del at(candidate, path)[start:start + size]
            if keep(candidate):
                case = candidate
            else:
                start += size
        size //= 2
    return case


def simpler(value):
    if isinstance(value, bool):
        return [False] if value else []
    if isinstance(value, (int, float)):
        return [v for v in (0, 1, int(value) // 2) if v != value]
    if isinstance(value, str) and len(value) > 1:
        half = len(value) // 2
        return ['', value[:half], value[half:], value[1:], value[:-1]]
    return []


def leaves(node, path=()):
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else None
    if items is None:
        yield path
        return
    for key, value in items:
        yield from leaves(value, path + (key,))


def simplify(case, keep):
    for path in list(leaves(case)):
        progress = True
        while progress and path:
            progress = False
            for value in simpler(at(case, path)):
                candidate = copy.deepcopy(case)
                at(candidate, path[:-1])[path[-1]] = value
                if json.dumps(candidate) != json.dumps(case) and keep(candidate):
                    case, progress = candidate, True
                    break
    return case
