"""Ed25519 of RFC 8032, section 5.1, in plain arithmetic (clause BIN-4).

Slow and not protected against timing: for examples alone.
"""

from hashlib import sha512

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def add(a, b):
    """The sum of two points (x, y) of the curve -x^2 + y^2 = 1 + d x^2 y^2."""
    (x1, y1), (x2, y2) = a, b
    t = D * x1 * x2 * y1 * y2 % P
    return ((x1 * y2 + x2 * y1) * pow(1 + t, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - t, -1, P) % P)


def multiply(n, point):
    result = (0, 1)
    while n:
        if n & 1:
            result = add(result, point)
        point, n = add(point, point), n >> 1
    return result


def root(y, sign):
    """The x of a point with this y, of the sign given, or None."""
    xx = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(xx, (P + 3) // 8, P)
    if x * x % P != xx:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != xx or (x == 0 and sign):
        return None
    return P - x if x % 2 != sign else x


def encode(point):
    return (point[1] | point[0] % 2 << 255).to_bytes(32, "little")


def decode(b):
    """The point that b encodes canonically, or None."""
    n = int.from_bytes(b, "little")
    y, sign = n & (1 << 255) - 1, n >> 255
    if y >= P:
        return None
    x = root(y, sign)
    return None if x is None else (x, y)


BASE = (root(4 * pow(5, -1, P) % P, 0), 4 * pow(5, -1, P) % P)


def expand(seed):
    h = sha512(seed).digest()
    a = int.from_bytes(h[:32], "little") & (1 << 254) - 8 | 1 << 254
    return a, h[32:]


def public(seed):
    return encode(multiply(expand(seed)[0], BASE))


def challenge(*parts):
    return int.from_bytes(sha512(b"".join(parts)).digest(), "little") % L


def sign(seed, message):
    a, prefix = expand(seed)
    key = encode(multiply(a, BASE))
    r = challenge(prefix, message)
    first = encode(multiply(r, BASE))
    return first + ((r + challenge(first, key, message) * a) % L).to_bytes(32, "little")


def verify(key, message, signature):
    point, s = decode(key), int.from_bytes(signature[32:], "little")
    if point is None or len(signature) != 64 or s >= L:
        return False
    minus = (-point[0] % P, point[1])
    k = challenge(signature[:32], key, message)
    return encode(add(multiply(s, BASE), multiply(k, minus))) == signature[:32]


def small_order(key):
    return multiply(8, decode(key)) == (0, 1)
