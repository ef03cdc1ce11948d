"""The worked examples of keys, events, files, figures and trees."""

import omega
from omega import Refused, crc, decimal, event, figures, frame, key, lamport_of, leaf, root, section, u


def hexes(items):
    return [b.hex() for b in items]


def key_fields(k):
    return {
        "lamport": lamport_of(k),
        "node": omega.number(k[8:12]),
        "stream": omega.number(k[12:14]),
        "event": k[14:].hex(),
    }


def keys():
    made = [
        key(0, 0, 0, 0),
        key(7, 3, 1, 10),
        key(7, 3, 1, 11),
        key(7, 3, 2, 0),
        key(7, 4, 0, 0),
        key(8, 0, 0, 0),
        key(256, 0, 0, 0),
        key(2**63, 0, 0, 0),
        key(2**64 - 1, 2**32 - 1, 2**16 - 1, 2**112 - 1),
    ]
    text = made[1].hex()
    return {
        "clause": "KEY-1 to KEY-3",
        "increasing": [{**key_fields(k), "key": k.hex()} for k in made],
        "refused": ["", text[1:], text + "0", text[:-1] + "A", "g" + text[1:], "0x" + text[2:]],
    }


def event_example(e):
    n = omega.number(e[32:34])
    return {
        "key": e[:28].hex(),
        "value": omega.value_of(e),
        "deps": hexes(omega.deps_of(e)),
        "payload": e[38 + 28 * n :].hex(),
        "bytes": e.hex(),
    }


def events():
    k, a, b = key(7, 3, 1, 10), key(5, 1, 0, 1), key(6, 2, 0, 2)
    good = [
        event(k),
        event(k, -500, [], b"hi"),
        event(k, 12345, [a]),
        event(k, 2**31 - 1, [a, b], bytes(range(256))),
        event(key(2**64 - 1, 2**32 - 1, 2**16 - 1, 2**112 - 1), -(2**31)),
        event(k, 0, [k], b"depends on itself"),
    ]
    two = event(k, 1, [a, b], b"hi")
    swapped = event(k, 1, [b, a], b"hi")
    at = 34 + 2 * 28
    bad = [
        ("no byte", b""),
        ("one byte short of the smallest", good[0][:37]),
        ("cut in a dep", two[:70]),
        ("the last byte missing", two[:-1]),
        ("a left-over byte", two + b"\0"),
        ("deps out of order", swapped),
        ("one dep twice", event(k, 1, [a, a])),
        ("deps beyond the end", two[:32] + u(16, 9) + two[34:]),
        ("65,535 deps", two[:32] + u(16, 65535) + two[34:]),
        ("a payload too short", two[:at] + u(32, 1) + two[at + 4 :]),
        ("a payload beyond the end", two[:at] + u(32, 3) + two[at + 4 :]),
        ("4 GiB of payload", two[:at] + u(32, 2**32 - 1) + two[at + 4 :]),
        ("2 GiB more than there is", two[:at] + u(32, 2**31 + 2) + two[at + 4 :]),
    ]
    for name, b in bad:
        try:
            omega.check_event(b)
            raise AssertionError(name)
        except Refused:
            pass
    return {
        "clause": "EVT-1 to EVT-4",
        "good": [event_example(e) for e in good],
        "refused": [{"name": name, "bytes": b.hex()} for name, b in bad],
    }


def with_crc(b):
    return b + crc(b)


def files():
    first, second = event(key(1, 3, 0, 1), 500, [], b"first"), event(key(2, 3, 0, 2), 0, [key(1, 3, 0, 1)], b"second")
    copy = event(key(1, 9, 0, 9), 0, [], b"of another node")
    good = section(3, [first, second])
    at = 32 + len(frame(first))
    head = good[:32]

    def put(offset, b):
        return good[:offset] + b + good[offset + len(b) :]

    damaged = [
        ("an empty file", b""),
        ("31 bytes", head[:31]),
        ("a short file with another magic", b"NOTALOG"),
        ("another magic", put(0, b"o")),
        ("another magic and version", put(7, b"g\0\2")),
        ("version 0", with_crc(head[:8] + u(16, 0) + head[10:28])),
        ("version 2 and a wrong crc", put(8, u(16, 2))),
        ("a flag", with_crc(head[:10] + u(16, 1) + head[12:28])),
        ("a reserved byte", with_crc(head[:27] + b"\1")),
        ("another node", put(12, u(32, 4))),
        ("another header crc", put(28, u(32, 0))),
        ("one byte left", good[:at] + b"\0"),
        ("three bytes left", good[:at] + b"\xff" * 3),
        ("a length alone", good[:at] + u(32, 38)),
        ("seven bytes left", good[:at] + u(32, 38) + b"\1\2\3"),
        ("the last byte missing", good[:-1]),
        ("a length of 0", good[:at] + u(32, 0)),
        ("a length of 37", good[:at] + u(32, 37) + bytes(60)),
        ("16 MiB and a byte", good[:at] + u(32, 2**24 + 1)),
        ("16 MiB, cut short", good[:at] + u(32, 2**24)),
        ("4 GiB", good[:at] + u(32, 2**32 - 1) + bytes(50)),
        ("a smaller length", put(at, u(32, len(second) - 1))),
        ("a larger length", put(at, u(32, len(second) + 1))),
        ("another crc", put(at + 4, u(32, 0))),
        ("a crc over the body alone", put(at + 4, crc(second))),
        ("another body", put(at + 8, b"\xff")),
        ("left-over bytes in the event", good[:at] + frame(second + b"\0")),
        ("deps beyond the event's end", good[:at] + frame(second[:32] + u(16, 9) + second[34:])),
        ("deps out of order", good[:at] + frame(event(key(9, 3, 0, 0), 0, [key(2, 1, 0, 0), key(1, 1, 0, 0)]))),
        ("both frames damaged", put(40, b"\xff")[:-1]),
    ]
    cases = []
    for name, b in damaged:
        frames = 0
        try:
            omega.read_header(b)
            for _ in omega.read_frames(b):
                frames += 1
            raise AssertionError(name)
        except Refused as e:
            cases.append({"name": name, "bytes": b.hex(), "kind": e.kind, "offset": e.offset, "good_frames": frames})
    sections = [
        (3, []),
        (3, [first]),
        (3, [first, second]),
        (3, [second, copy, first]),
        (2**32 - 1, [copy, first, second]),
    ]
    return {
        "clause": "FRM-1 to FRM-6, SEC-2",
        "good": [
            {
                "node": node,
                "events": hexes(es),
                "offsets": [32 + sum(8 + len(e) for e in es[:n]) for n in range(len(es))],
                "sorted": all(a[:28] < b[:28] for a, b in zip(es, es[1:])),
                "bytes": section(node, es).hex(),
            }
            for node, es in sections
        ],
        "damaged": cases,
    }


def fixed():
    cases = [
        [],
        [0],
        [12345],
        [-500],
        [1, 2],
        [2, 3],
        [-1, -2],
        [-2, -3],
        [1, 1, 2],
        [1, 2, 2],
        [-1, -1, -2],
        [2**31 - 1] * 3,
        [-(2**31)] * 3,
        [-(2**31), 2**31 - 1],
        [2**31 - 1, 2**31 - 2],
        [5, -5, 0],
        [1] * 3 + [2] * 3,
        [0, 1],
        [0, -1],
        [3, 4],
        [-3, -4],
    ]
    made = []
    for values in cases:
        c = {
            "values": values,
            "count": len(values),
            "sum": sum(values),
            "sum_bytes": omega.i(128, sum(values)).hex(),
            "sum_text": decimal(sum(values)),
        }
        if values:
            count, total, low, high, middle = figures([event(key(0, 0, 0, 0), v) for v in values])
            c.update(min=decimal(low), max=decimal(high), mean=middle, mean_text=decimal(middle))
        made.append(c)
    sums = [0, 1, -1, 999, 1000, -1000, 2**64 - 1, 2**64, -(2**64), 2**95, -(2**95), 2**127 - 1, -(2**127)]
    means = [
        (2**95, 2**64 - 1),
        (-(2**94), 2**63),
        (2**63 - 1, 2**33),
        (-(2**63), 2**33 + 1),
        (3 * 2**40, 2**41),
        (2**40, 2**41),
    ]
    return {
        "clause": "FIX-1 to FIX-6",
        "sets": made,
        "numbers": [{"bytes": omega.i(128, n).hex(), "text": decimal(n)} for n in sums],
        "means": [
            {"sum": omega.i(128, s).hex(), "count": c, "mean": omega.mean(s, c)}
            for s, c in means
            if abs(omega.mean(s, c)) < 2**31
        ],
    }


def trees():
    leaves = [bytes(range(n)) for n in range(9)]
    return {
        "clause": "MRK-1 to MRK-5",
        "leaves": hexes(leaves),
        "leaf_hashes": hexes(map(leaf, leaves)),
        "roots": [root(leaves[:n]).hex() for n in range(10)],
        "inclusion": [
            {"size": n, "index": m, "proof": hexes(omega.inclusion(m, leaves[:n]))}
            for n in range(1, 10)
            for m in range(n)
        ],
        "consistency": [
            {"old": m, "new": n, "proof": hexes(omega.consistency(m, leaves[:n]))}
            for n in range(10)
            for m in range(n + 1)
        ],
    }
