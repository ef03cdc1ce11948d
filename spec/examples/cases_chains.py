"""The worked examples of batches, certificates, signatures and the quorum."""

import ed25519
import omega
from cases_events import hexes
from omega import crc, decimal, event, figures, key, root, section, u


def seed(n):
    return bytes([n]) * 32


def member(n):
    return f"m{n}", ed25519.public(seed(n)), [10 * n, 10 * n + 1]


def reconcile_case(name, files, certified=(), quarantined=()):
    """files: [(node, events)]; certified, quarantined: events, in a trace file and a log of their own."""
    inputs = [(f"{n}.omega", section(node, es)) for n, (node, es) in enumerate(files)]
    trace, at = [], 32
    for e in sorted(certified):
        trace.append((e, ("trace", at)))
        at += 8 + len(e)
    blocked = [(e, ("blocked", n)) for n, e in enumerate(sorted(quarantined))]
    counts, merged, items, versions = omega.reconcile(inputs, trace, blocked)
    case = {
        "name": name,
        "inputs": [{"name": n, "bytes": b.hex()} for n, b in inputs],
        "certified": hexes(e for e, _ in trace),
        "quarantined": hexes(e for e, _ in blocked),
        "result": "obstruction" if merged is None else "merge",
        **counts,
    }
    if merged is None:
        case["obstructions"] = [
            {
                "key": k.hex(),
                "kind": omega.KINDS[kind],
                "dep": dep.hex() if 0 < kind < 3 else None,
                "frames": [{"file": f, "offset": at} for f, at in where],
            }
            for k, kind, dep, where in items
        ]
        case["body"] = omega.obstruction_body(items, versions).hex()
        return case
    case["trace"] = hexes(merged)
    case["trace_root"] = root(merged).hex()
    case["state"] = omega.next_state(bytes(32), root(merged)).hex()
    case["streams"] = []
    for s, es in omega.streams_of(merged):
        count, total, low, high, middle = figures(es)
        case["streams"].append(
            {
                "node": omega.number(s[:4]),
                "stream": omega.number(s[4:]),
                "count": count,
                "sum": decimal(total),
                "min": decimal(low),
                "max": decimal(high),
                "mean": decimal(middle),
                "first": es[0][:28].hex(),
                "last": es[-1][:28].hex(),
            }
        )
    return case


def batches():
    k1, k2, k3, k4 = key(1, 1, 0, 1), key(2, 1, 0, 2), key(2, 2, 0, 3), key(3, 2, 0, 4)
    a, b, c, d = event(k1, 1000), event(k2, 2000, [k1]), event(k3, -500, [k1]), event(k4, 1, [k2, k3], b"joins")
    other = event(k2, 2001, [k1])
    lost, late = event(k2, 0, [key(1, 9, 9, 9)]), event(k2, 0, [k2, k4])
    beyond = event(key(9, 1, 0, 9), 0, [k2])
    return {
        "clause": "GLU, INV, OBS, STA-1",
        "cases": [
            reconcile_case("no input", []),
            reconcile_case("a file without frames", [(1, [])]),
            reconcile_case("two sections", [(1, [a, b]), (2, [c, d])]),
            reconcile_case("the same events, other files and order", [(1, [d, a]), (2, [c]), (2**32 - 1, [b])]),
            reconcile_case("sections that overlap", [(1, [a, b, a]), (2, [a, c, d, b])]),
            reconcile_case("two versions in two files", [(1, [a, b]), (2, [a, other, c, d])]),
            reconcile_case("two versions in one file, each copied", [(1, [a, b, other, b]), (2, [other])]),
            reconcile_case("versions with deps of their own", [(1, [lost, late, b]), (2, [a])]),
            reconcile_case("a missing dep", [(1, [a, lost])]),
            reconcile_case("deps not before the event", [(1, [a, late]), (2, [c, d, late])]),
            reconcile_case("a repeat", [(1, [a, b, a])], [a]),
            reconcile_case("nothing but repeats", [(1, [a, b])], [a, b]),
            reconcile_case("a dep in the past", [(2, [c, d])], [a, b]),
            reconcile_case("a stale event", [(1, [a]), (2, [c])], [b]),
            reconcile_case("rewritten history", [(1, [other, beyond])], [a, b]),
            reconcile_case("rewritten history beside the original", [(1, [b, other, b]), (2, [other, lost])], [a, b]),
            reconcile_case("a quarantined event again", [(1, [a, lost, b]), (2, [beyond])], [], [lost, b]),
            reconcile_case("a third version of a quarantined key", [(1, [a, late])], [a], [b, other]),
            reconcile_case("a dep that is quarantined", [(1, [beyond])], [a], [b, other]),
            reconcile_case(
                "quarantine leaves the frontier", [(1, [a, event(key(3, 1, 0, 3), 7)])], [], [event(key(5, 1, 0, 5))]
            ),
            reconcile_case(
                "every kind at once",
                [(1, [a, late, other]), (2, [event(key(1, 2, 0, 0), 0, [key(0, 7, 7, 7)])])],
                [c],
                [],
            ),
        ],
    }


def certificates():
    one, two = [member(1), member(2)], [member(2), member(3)]
    k1, k2, k3 = key(1, 10, 0, 1), key(2, 10, 0, 2), key(2, 20, 1, 3)
    trace = sorted([event(k1, 1000), event(k2, 2001, [k1]), event(k3, -500, [k1], b"hi")])
    bad = omega.reconcile(
        [
            (
                "x",
                section(
                    10,
                    [
                        event(key(3, 10, 0, 4), 0, [key(1, 9, 9, 9)]),
                        event(key(4, 10, 0, 5)),
                        event(key(4, 10, 0, 5), 1),
                    ],
                ),
            )
        ]
    )
    genesis = bytes(range(32)) + omega.roster(one)
    plan = [
        (0, genesis, None, [1, 2]),
        (1, None, trace, [1, 2]),
        (2, omega.obstruction_body(bad[2], bad[3]), None, [1, 2]),
        (3, omega.roster_hash(one) + omega.roster(two), None, [1, 2, 2, 3]),
        (4, bytes([0xEE]) * 32, None, [2, 3]),
        (1, None, [], [2, 3]),
    ]
    chain = head = state = bytes(32)
    envelopes, log, made = [], omega.log_header(), []
    for height, (kind, body, events, signers) in enumerate(plan):
        now = one if height < 4 else two
        trace_root = root(events or [])
        if kind == 1:
            state = omega.next_state(state, trace_root)
            body = omega.merge_body(state, events, envelopes, now)
        e = omega.seal(kind, trace_root, height, body, head)
        head = omega.cert_hash(e)
        message = omega.vote_message(chain, head)
        signatures = [ed25519.sign(seed(n), message) for n in signers]
        chain = head if height == 0 else chain
        envelopes.append(e)
        made.append(
            {
                "height": height,
                "type": kind,
                "trace": hexes(events or []),
                "trace_root": trace_root.hex(),
                "body": body.hex(),
                "body_hash": e[57:89].hex(),
                "cert_id": e[:16].hex(),
                "envelope": e.hex(),
                "cert_hash": head.hex(),
                "state": state.hex(),
                "envelopes_root": root(envelopes).hex(),
                "vote_message": message.hex(),
                "signers": signers,
                "signatures": hexes(signatures),
                "offset": len(log),
                "record": omega.record(e, body, signatures).hex(),
            }
        )
        log += omega.record(e, body, signatures)
    # The second member of the last roster is lost: the first one goes on, with a new key and somebody new.
    random, after = bytes([0x5A]) * 32, [("m2", ed25519.public(seed(4)), [2]), member(1)]
    resort = omega.last_resort_message(chain, head, len(envelopes), after, random)
    remaining = [(0, ed25519.sign(seed(2), resort))]
    rosters = [[member(n) for n in ns] for ns in ([1], [1, 2], [3, 2, 1])] + [[("a", ed25519.public(seed(9)), [])]]
    return {
        "clause": "CRT, BDY, RST, STA, CHN, LOG",
        "seeds": {str(n): seed(n).hex() for n in (1, 2, 3)},
        "chain": chain.hex(),
        "certificates": made,
        "log": log.hex(),
        "last_resort": {
            "old_roster": omega.roster(two).hex(),
            "message": resort.hex(),
            "body": (random + omega.roster(after) + omega.successor(chain, head, len(envelopes), remaining)).hex(),
        },
        "rosters": [
            {
                "members": [{"name": n, "key": k.hex(), "nodes": ns} for n, k, ns in r],
                "bytes": omega.roster(r).hex(),
                "hash": omega.roster_hash(r).hex(),
            }
            for r in rosters
        ],
    }


def breaches():
    """Certificates that break one rule each, as the next of the chain of certificates.json, and damaged records."""
    made = certificates()
    log = bytes.fromhex(made["log"])
    certs, chain = made["certificates"], bytes.fromhex(made["chain"])
    first, merge, obstruction, change = certs[:4]

    def remake(
        c, kind=None, root_=None, height=None, body=None, previous=None, signers=None, chain=chain, edit=lambda e: e
    ):
        """The certificate again with one thing changed, and all that follows from it made to fit."""
        old = bytes.fromhex(c["envelope"])
        body = bytes.fromhex(c["body"]) if body is None else body
        e = omega.seal(
            old[16] if kind is None else kind,
            root_ or old[17:49],
            c["height"] if height is None else height,
            body,
            previous or old[89:],
        )
        e = edit(e)
        message = omega.vote_message(bytes(32) if c is first else chain, omega.cert_hash(e))
        return omega.record(
            e, body, [ed25519.sign(seed(n), message) for n in (c["signers"] if signers is None else signers)]
        )

    def edited(c, at, b):
        body = bytes.fromhex(c["body"])
        return remake(c, body=body[:at] + b + body[at + len(b) :])

    other, size = bytes([0x77]) * 32, len(bytes.fromhex(merge["record"]))
    rules = [
        ("cert-type", first, remake(first, kind=1)),
        ("cert-type", merge, remake(merge, kind=0)),
        ("cert-type", merge, remake(merge, kind=5)),
        ("height", merge, remake(merge, height=2)),
        ("height", first, remake(first, height=1)),
        ("prev-hash", merge, remake(merge, previous=other)),
        ("prev-hash", first, remake(first, previous=other)),
        ("body-hash", merge, remake(merge, edit=lambda e: e[:57] + other + e[89:])),
        ("cert-id", merge, remake(merge, edit=lambda e: b"\1" + e[1:])),
        ("trace-root", obstruction, remake(obstruction, root_=other)),
        ("trace-root", first, remake(first, root_=bytes(32))),
        ("body", merge, remake(merge, body=bytes.fromhex(merge["body"]) + b"\0")),
        ("body", obstruction, remake(obstruction, body=u(32, 0) + u(32, 0))),
        ("body", change, remake(change, body=other)),
        ("state", merge, edited(merge, 0, other)),
        ("state", merge, remake(merge, root_=other)),
        ("envelopes-root", merge, edited(merge, 40, other)),
        ("roster-hash", merge, edited(merge, 72, other)),
        ("roster-hash", change, edited(change, 0, other)),
        (
            "body",
            change,
            remake(change, body=bytes.fromhex(change["body"])[:32] + bytes.fromhex(first["body"])[32:], signers=[1, 2]),
        ),
        ("signature-count", merge, remake(merge, signers=[1])),
        ("signature-count", merge, remake(merge, signers=[1, 2, 2])),
        ("signature-count", change, remake(change, signers=[1, 2])),
        ("signature", merge, remake(merge, signers=[1, 1])),
        ("signature", merge, remake(merge, signers=[2, 1])),
        ("signature", change, remake(change, signers=[2, 3, 1, 2])),
        ("signature", merge, remake(merge, chain=bytes(32))),
        ("signature", certs[4], remake(certs[4], signers=[1, 2])),
    ]
    r = bytes.fromhex(merge["record"])

    def put(at, b):
        return r[:at] + b + r[at + len(b) :]

    def head(n):
        return u(32, n) + crc(u(32, n))

    def sealed(content):
        b = head(len(content) + 4) + content
        return b + crc(b)

    content, largest = r[8:-4], 131 + (256 << 20) + 65535 * 64
    damaged = [
        ("torn-tail", r[:1]),
        ("torn-tail", r[:7]),
        ("torn-tail", r[:8]),
        ("torn-tail", r[:-1]),
        ("torn-tail", head(largest)),
        ("record-length", put(3, b"\0")),
        ("record-length", put(4, bytes(4))),
        ("record-length", head(130) + bytes(130)),
        ("record-length", head(largest + 1)),
        ("record-length", head(2**32 - 1)),
        ("record-crc", put(8, b"\xff")),
        ("record-crc", put(200, b"\xff")),
        ("record-crc", put(size - 4, bytes(4))),
        ("bad-record", sealed(content + b"\0")),
        ("bad-record", sealed(content[:121] + u(32, len(content)) + content[125:])),
        ("bad-record", sealed(content[:121] + u(32, 2**32 - 1) + content[125:])),
        ("bad-record", sealed(content[:-130] + u(16, 3) + content[-128:])),
    ]
    bad_logs = [
        ("bad-header", log[:15]),
        ("bad-header", b""),
        ("bad-magic", b"OMEGALOG" + log[8:]),
        ("bad-version", log[:8] + u(16, 2) + log[10:]),
        ("bad-header", log[:15] + b"\1" + log[16:]),
    ]
    return {
        "clause": "CHN-2, LOG-1, LOG-4",
        "rules": [{"kind": kind, "height": c["height"], "record": b.hex()} for kind, c, b in rules],
        "records": [{"kind": kind, "bytes": b.hex()} for kind, b in damaged],
        "logs": [{"kind": kind, "bytes": b[:200].hex()} for kind, b in bad_logs],
    }


def signatures():
    small = [
        "00" * 32,
        "00" * 31 + "80",
        "01" + "00" * 31,
        "01" + "00" * 30 + "80",
        "ec" + "ff" * 30 + "7f",
        "ec" + "ff" * 31,
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
    ]
    points = (
        [bytes([n]) + bytes(31) for n in range(2, 12)]
        + [bytes([n]) + b"\xff" * 30 + b"\x7f" for n in range(0xE0, 0xF2)]
        + [ed25519.public(seed(n)) for n in (1, 2, 3)]
    )
    chain, digest, k1 = bytes([7]) * 32, bytes([8]) * 32, key(1, 10, 0, 1)
    events_ = [event(k1, 1000), event(key(2, 10, 0, 2), 0, [k1]), event(k1, 1000)]
    messages = [
        ("vote", omega.vote_message(chain, digest)),
        ("vote for genesis", omega.vote_message(bytes(32), digest)),
        ("prepare", omega.prepare_message(chain, 5, 2, digest)),
        ("section", omega.section_message(chain, 10, events_)),
        ("empty section", omega.section_message(chain, 11, [])),
    ]
    made = []
    for name, m in messages:
        s = ed25519.sign(seed(1), m)
        assert ed25519.verify(ed25519.public(seed(1)), m, s)
        over = s[:32] + (int.from_bytes(s[32:], "little") + ed25519.L).to_bytes(32, "little")
        assert not ed25519.verify(ed25519.public(seed(1)), m, over)
        made.append(
            {
                "name": name,
                "message": m.hex(),
                "signature": s.hex(),
                "refused": [over.hex(), (s[:63] + bytes([s[63] ^ 1])).hex(), ed25519.sign(seed(2), m).hex()],
            }
        )
    return {
        "clause": "BIN-4, RST-3, CRT-5, QRM-3, SIG-2",
        "seed": seed(1).hex(),
        "key": ed25519.public(seed(1)).hex(),
        "chain": chain.hex(),
        "digest": digest.hex(),
        "section": section(10, events_).hex(),
        "section_signature": omega.section_signature(
            chain, 10, events_, ed25519.public(seed(1)), ed25519.sign(seed(1), messages[3][1])
        ).hex(),
        "messages": made,
        "keys": [{"key": k.hex(), "good": omega.good_key(k)} for k in [*map(bytes.fromhex, small), *points]],
    }


def quorum():
    """Two members certify the heights 2 and 3 of the chain of certificates.json, as member 0 sees it."""
    return agreement(2) | {"clause": "QRM, CLG-7", "change": agreement(3)}


def agreement(height):
    made = certificates()
    chain, c = bytes.fromhex(made["chain"]), made["certificates"][height]
    envelope, body, digest = (bytes.fromhex(c[f]) for f in ("envelope", "body", "cert_hash"))
    changes = c["type"] == 3  # member 2 leaves, and the key of seed 3 joins
    joining = [bytes.fromhex(c["signatures"][3])] if changes else []
    nonces = [bytes([0xA0]) * 16, bytes([0xB0]) * 16]
    signers = [lambda m, n=n: ed25519.sign(seed(n), m) for n in c["signers"][:2]]
    parts = [sign(omega.prepare_message(chain, height, 0, digest)) for sign in signers]
    prepared = [omega.signed_prepare(0, digest, p) for p in parts]
    votes = [sign(omega.vote_message(chain, digest)) for sign in signers]
    full = omega.proof(0, digest, parts)
    content = [(envelope, body, joining)]
    before = omega.durable(chain, height, prepared[0], None, None, content)
    steps = [
        ("start", None, ["send", omega.resync(chain, 0, height, nonces[0], signers[0])]),
        (
            "resync",
            omega.resync(chain, 1, height, nonces[1], signers[1]),
            ["send", omega.resync_reply(chain, 0, 1, height, nonces[1], None, None, signers[0])],
        ),
        ("resync reply", omega.resync_reply(chain, 1, 0, height, nonces[0], None, None, signers[1]), ["need", b""]),
        ("candidate", None, ["persist", before, "send", omega.prepare(chain, 0, height, prepared[0])]),
        (
            "prepare",
            omega.prepare(chain, 1, height, prepared[1]),
            [
                "persist",
                omega.durable(chain, height, prepared[0], full, full, content),
                "send",
                omega.commit(chain, 0, envelope, votes[0], full),
            ],
        ),
        (
            "resync after both",
            omega.resync(chain, 1, height, nonces[1], signers[1]),
            ["send", omega.resync_reply(chain, 0, 1, height, nonces[1], prepared[1], None, signers[0])],
        ),
        (
            "commit",
            omega.commit(chain, 1, envelope, votes[1], full),
            ["append", bytes.fromhex(c["record"]), "announce", b"\3" + bytes.fromhex(c["record"])]
            + ([] if changes else ["need", b""]),
        ),
    ]
    return {
        "height": height,
        "joining": hexes(joining),
        "nonce": nonces[0].hex(),
        "vote_file": omega.vote_file(before).hex(),
        "steps": [
            {
                "name": name,
                "message": None if m is None else m.hex(),
                "effects": [{"effect": e, "bytes": b.hex()} for e, b in zip(es[::2], es[1::2])],
            }
            for name, m, es in steps
        ],
    }


def identities():
    members = [member(1), ("a.b-c_9", ed25519.public(seed(9)), []), ("m2", ed25519.public(seed(2)), [0, 7, 2**32 - 2])]
    return {
        "clause": "IDN-1, IDN-3, IDN-4",
        "keys": [
            {
                "seed": seed(n).hex(),
                "file": omega.key_file(seed(n)),
                "public": ed25519.public(seed(n)).hex(),
                "fingerprint": omega.fingerprint(ed25519.public(seed(n))),
            }
            for n in (1, 2)
        ],
        "roster": omega.roster(members).hex(),
        "roster_file": omega.roster_file(members),
    }
