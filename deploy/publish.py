"""Publishes one event of node 7 for each line read: publish.py HOST PORT CERT KEY TRUST CHAIN."""
import socket, ssl, struct, sys, time

host, port, cert, key, trust, chain = sys.argv[1:]
plain = socket.create_connection((host, int(port)))
plain.recv(4096)  # INFO {...}
tls = ssl.create_default_context(cafile=trust)
tls.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # each host's own certificate is trusted, there is no authority
tls.load_cert_chain(cert, key)
engine = tls.wrap_socket(plain, server_hostname=host)
engine.sendall(b'CONNECT {"verbose":false,"tls_required":true}\r\nSUB _INBOX.me 1\r\n')
for n, line in enumerate(sys.stdin.buffer, 1):
    payload = line.rstrip(b"\n")
    event = struct.pack(">QIH14s", time.time_ns(), 7, 0, n.to_bytes(14, "big")) + struct.pack(">iHI", 1000 * n, 0, len(payload)) + payload
    engine.sendall(b"PUB omega.%s.events.7.0 _INBOX.me %d\r\n%s\r\n" % (chain[:16].encode(), len(event), event))
    while b"OMEGA-EVENTS" not in (answer := engine.recv(4096)):
        if not answer or b"-ERR" in answer or b'"error"' in answer:
            sys.exit(f"the engine refuses: {answer!r}")
        if b"PING" in answer:
            engine.sendall(b"PONG\r\n")
    print(n, answer.decode().split("\r\n")[-2])
