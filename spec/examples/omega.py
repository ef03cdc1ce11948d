"""A second implementation of spec/, as plain as can be: what it says is short, and nothing is fast.

Each function names its clause. It reads and writes bytes; where a rule is broken it raises Refused.
"""

from base64 import b64encode
from hashlib import sha256

import ed25519


class Refused(Exception):
    def __init__(self, kind, offset=0):
        super().__init__(f"{kind} at {offset}")
        self.kind, self.offset = kind, offset


def u(bits, n):
    return n.to_bytes(bits // 8, "big")


def i(bits, n):
    return n.to_bytes(bits // 8, "big", signed=True)


def number(b):
    return int.from_bytes(b, "big")


def sha(*parts):
    return sha256(b"".join(parts)).digest()


def crc(b):  # BIN-3
    c = 0xFFFFFFFF
    for byte in b:
        c ^= byte
        for _ in range(8):
            c = c >> 1 ^ (0x82F63B78 if c & 1 else 0)
    return u(32, c ^ 0xFFFFFFFF)


# Keys, events, files.


def key(lamport, node, stream, event):  # KEY-1
    return u(64, lamport) + u(32, node) + u(16, stream) + u(112, event)


def event(key, value=0, deps=(), payload=b""):  # EVT-1
    return key + i(32, value) + u(16, len(deps)) + b"".join(deps) + u(32, len(payload)) + payload


def deps_of(e):
    return [e[34 + 28 * n : 62 + 28 * n] for n in range(number(e[32:34]))]


def value_of(e):
    return int.from_bytes(e[28:32], "big", signed=True)


def lamport_of(k):
    return number(k[:8])


def stream_of(k):
    return k[8:14]


def check_event(b):  # EVT-4
    if not 38 <= len(b) <= 1 << 24:
        raise Refused("bad-event")
    deps = deps_of(b)
    at = 34 + 28 * len(deps)
    if len(b) < at + 4 or len(b) != at + 4 + number(b[at : at + 4]):
        raise Refused("bad-event")
    if any(a >= b for a, b in zip(deps, deps[1:])):
        raise Refused("bad-event")


def header(node):  # FRM-1
    b = b"OMEGALOG" + u(16, 1) + u(16, 0) + u(32, node) + bytes(12)
    return b + crc(b)


def frame(body):  # FRM-3
    n = u(32, len(body))
    return n + crc(n + body) + body


def section(node, events):
    return header(node) + b"".join(map(frame, events))


def read_header(file):  # FRM-6
    if len(file) < 32:
        raise Refused("bad-header")
    if file[:8] != b"OMEGALOG":
        raise Refused("bad-magic")
    if number(file[8:10]) != 1:
        raise Refused("bad-version")
    if file[28:32] != crc(file[:28]) or file[10:12] != bytes(2) or file[16:28] != bytes(12):
        raise Refused("bad-header")
    return number(file[12:16])


def read_frames(file):  # FRM-6; yields (offset, event)
    at = 32
    while at < len(file):
        left = len(file) - at
        if left < 4:
            raise Refused("torn-tail", at)
        n = number(file[at : at + 4])
        if not 38 <= n <= 1 << 24:
            raise Refused("frame-length", at)
        if left < 8 + n:
            raise Refused("torn-tail", at)
        body = file[at + 8 : at + 8 + n]
        if file[at + 4 : at + 8] != crc(file[at : at + 4] + body):
            raise Refused("frame-crc", at)
        try:
            check_event(body)
        except Refused:
            raise Refused("bad-event", at)
        yield at, body
        at += 8 + n


# Merkle trees.


def leaf(b):
    return sha(b"\0", b)


def split(n):
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def root(leaves):  # MRK-1
    if len(leaves) < 2:
        return leaf(leaves[0]) if leaves else sha()
    k = split(len(leaves))
    return sha(b"\1", root(leaves[:k]), root(leaves[k:]))


def inclusion(m, leaves):  # MRK-4
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return inclusion(m, leaves[:k]) + [root(leaves[k:])]
    return inclusion(m - k, leaves[k:]) + [root(leaves[:k])]


def consistency(m, leaves, known=True):  # MRK-5
    if m == len(leaves) or m == 0:
        return [] if known else [root(leaves)]
    k = split(len(leaves))
    if m <= k:
        return consistency(m, leaves[:k], known) + [root(leaves[k:])]
    return consistency(m - k, leaves[k:], False) + [root(leaves[:k])]


# Fixed point.


def mean(total, count):  # FIX-6
    low, rest = divmod(total, count)
    if 2 * rest > count or 2 * rest == count and low % 2:
        low += 1
    return low


def decimal(n):  # FIX-4
    return f"{'-' if n < 0 else ''}{abs(n) // 1000}.{abs(n) % 1000:03}"


def streams_of(trace):  # BDY-2
    by_stream = {}
    for e in trace:
        by_stream.setdefault(stream_of(e), []).append(e)
    return sorted(by_stream.items())


def figures(events):  # FIX-5
    values = [value_of(e) for e in events]
    return len(values), sum(values), min(values), max(values), mean(sum(values), len(values))


# Reconciling.

KINDS = ["equivocation", "lamport", "missing-dep", "stale"]


def reconcile(files, certified=(), quarantined=()):
    """files: [(name, bytes)]; the past: [(event, (file, offset))] twice. (INV, OBS)"""
    copies = {}  # (key, bytes) -> where, and so for the past
    frames = 0
    for name, data in files:
        read_header(data)
        for at, e in read_frames(data):
            copies.setdefault((e[:28], e), []).append((name, at))
            frames += 1
    past, frontier = {}, {}
    for e, where in [*certified, *quarantined]:
        past.setdefault(e[:28], []).append((e, where))
    for e, _ in certified:
        frontier[stream_of(e)] = max(frontier.get(stream_of(e), b""), e[:28])
    keys = {k for k, _ in copies}
    found = {}

    def obstruct(key, kind, dep, versions):
        where = [w for v in versions for w in copies[key, v]]
        found[key, KINDS.index(kind), dep] = (where, [w for _, w in past.get(key, [])])

    fresh, repeats = [], 0
    for k in keys:
        versions = [e for key, e in copies if key == k]
        old = [e for e, _ in past.get(k, [])]
        repeats += sum(v in old for v in versions)
        new = [v for v in versions if v not in old]
        fresh += new
        if old:
            if new:
                obstruct(k, "equivocation", bytes(28), versions)
            continue
        if len(versions) > 1:
            obstruct(k, "equivocation", bytes(28), versions)
        for dep in {d for v in versions for d in deps_of(v)}:
            having = [v for v in versions if dep in deps_of(v)]
            if lamport_of(dep) >= lamport_of(k):
                obstruct(k, "lamport", dep, having)
            elif dep not in keys and dep not in past:
                obstruct(k, "missing-dep", dep, having)
        if k <= frontier.get(stream_of(k), b""):
            obstruct(k, "stale", bytes(28), versions)
    counts = {"events": len(fresh), "duplicates": frames - len(copies), "repeats": repeats}
    if found:
        place = {name: n for n, (name, _) in enumerate(files)}
        items = []
        for (k, kind, dep), (here, there) in sorted(found.items()):
            here = sorted(here, key=lambda w: (place[w[0]], w[1]))
            items.append((k, kind, dep, here + there))
        named = {k for k, *_ in items}
        events = {e for k, e in copies if k in named} | {e for k in named for e, _ in past.get(k, [])}
        return counts, None, items, sorted(events)
    return counts, sorted(fresh), [], []


# Certificates.


def roster(members):  # RST-1; members: (name, key, nodes)
    b = u(16, len(members))
    for name, k, nodes in members:
        b += u(8, len(name)) + name.encode() + k + u(16, len(nodes)) + b"".join(u(32, n) for n in nodes)
    return b


def roster_hash(members):  # RST-5
    return sha(b"omega/roster/v1\0", roster(members))


def next_state(state, trace_root):  # STA-1
    return sha(b"omega/state/v1\0", state, trace_root)


def merge_body(state, trace, envelopes, members):  # BDY-2
    streams = streams_of(trace)
    b = state + u(64, len(trace)) + root(envelopes) + roster_hash(members) + u(32, len(streams))
    for s, events in streams:
        count, total, low, high, middle = figures(events)
        b += s + u(64, count) + i(128, total) + i(32, low) + i(32, high) + i(32, middle)
    for _, events in streams:
        b += events[0][:28] + events[-1][:28]
    return b


def obstruction_body(items, events):  # BDY-4
    b = u(32, len(items)) + b"".join(k + u(8, kind) + dep for k, kind, dep, _ in items)
    return b + u(32, len(events)) + b"".join(u(32, len(e)) + e for e in events)


def seal(kind, trace_root, height, body, previous):  # CRT-1, CRT-3
    rest = u(8, kind) + trace_root + u(64, height) + sha(b"omega/body/v1\0", body) + previous
    return sha(b"omega/cert-id/v1\0", rest)[:16] + rest


def cert_hash(envelope):  # CRT-3
    return sha(b"omega/cert/v1\0", envelope)


def vote_message(chain, digest):  # CRT-5
    return b"omega/vote/v1\0" + chain + digest


def last_resort_message(old_chain, old_head, old_length, members, random):  # BDY-9
    return b"omega/last-resort/v1\0" + old_chain + old_head + u(64, old_length) + roster_hash(members) + random


def successor(old_chain, old_head, old_length, remaining):  # BDY-8
    b = old_chain + old_head + u(64, old_length) + u(16, len(remaining))
    return b + b"".join(u(16, i) + signature for i, signature in remaining)


def prepare_message(chain, height, attempt, digest):  # QRM-3
    return b"omega/prepare/v1\0" + chain + u(64, height) + u(64, attempt) + digest


def section_message(chain, node, events):  # SIG-2
    return b"omega/section/v1\0" + chain + u(32, node) + u(64, len(events)) + root(events)


def record(envelope, body, signatures):  # LOG-2
    content = envelope + u(32, len(body)) + body + u(16, len(signatures)) + b"".join(signatures)
    n = u(32, len(content) + 4)
    b = n + crc(n) + content
    return b + crc(b)


def log_header():  # LOG-1
    return b"OMEGACRT" + u(16, 1) + bytes(6)


# The quorum's messages and disk.


def optional(b):  # QRM-2
    return b"\0" if b is None else b"\1" + b


def signed_prepare(attempt, digest, signature):  # QRM-2
    return u(64, attempt) + digest + signature


def proof(attempt, digest, signatures):  # QRM-2
    return u(64, attempt) + digest + u(16, len(signatures)) + b"".join(signatures)


def prepare(chain, sender, height, signed, highest=None):  # QRM-2
    return b"\1" + chain + u(16, sender) + u(64, height) + signed + optional(highest)


def commit(chain, sender, envelope, vote, highest=None):  # QRM-2
    return b"\2" + chain + u(16, sender) + envelope + vote + optional(highest)


def resync(chain, sender, height, nonce, sign):  # QRM-7
    content = u(16, sender) + u(64, height) + nonce
    return b"\4" + chain + content + sign(b"omega/resync/v1\0" + chain + content)


def resync_reply(chain, sender, to, height, nonce, prepared, committed, sign):  # QRM-8
    content = u(16, sender) + u(16, to) + u(64, height) + nonce + optional(prepared) + optional(committed)
    return b"\5" + chain + content + sign(b"omega/resync-reply/v1\0" + chain + content)


def durable(chain, height, prepared, highest, lock, contents):  # QRM-21
    b = chain + u(64, height) + optional(prepared) + optional(highest) + optional(lock)
    return b + u(8, len(contents)) + b"".join(
        e + u(32, len(body)) + body + u(16, len(joining)) + b"".join(joining) for e, body, joining in contents
    )


def vote_file(content):  # CLG-7
    b = b"OMEGAVOT" + u(16, 1) + u(32, len(content)) + content
    return b + crc(b)


def section_signature(chain, node, events, key, signature):  # SIG-1
    b = b"OMEGASIG" + u(16, 1) + section_message(chain, node, events)[len("omega/section/v1\0") :] + key + signature
    return b + crc(b)


# Keys and rosters as files.


def key_file(seed):  # IDN-1
    der = bytes.fromhex("302e020100300506032b657004220420") + seed
    return f"-----BEGIN PRIVATE KEY-----\n{b64encode(der).decode()}\n-----END PRIVATE KEY-----\n"


def fingerprint(key):  # IDN-3
    return "SHA256:" + b64encode(sha(key)).decode().rstrip("=")


def roster_file(members):  # IDN-4
    lines = [f"{name} {k.hex()} {','.join(map(str, nodes)) or '-'}\n" for name, k, nodes in members]
    return "omega-roster v1\n" + "".join(lines)


def good_key(k):  # RST-3
    return ed25519.decode(k) is not None and not ed25519.small_order(k)
