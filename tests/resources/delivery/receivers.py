"""Receivers on real sockets, each with a behaviour that receivers on the internet have."""

# ruff: noqa: D102  # a behaviour's name states it

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import ssl
from collections import Counter
from contextlib import asynccontextmanager

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

NO_CONTENT = b"HTTP/1.1 204 No Content\r\n\r\n"
ENDLESS = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


def answered(status, *headers):
    lines = [f"HTTP/1.1 {status} Said", *headers, "content-length: 0", "", ""]
    return "\r\n".join(lines).encode()


class Receivers:
    """One listener a behaviour; ``got`` counts requests by behaviour, ``urls`` are where they listen."""

    def __init__(self, folder):
        self.folder, self.got, self.urls = folder, Counter(), {}

    @asynccontextmanager
    async def open(self, *names):
        servers = []
        for name in names:
            context = self.self_signed() if name == "bad_tls" else None
            server = await asyncio.start_server(self.serving(name), "127.0.0.1", 0, ssl=context)
            servers.append(server)
            port = server.sockets[0].getsockname()[1]
            self.urls[name] = f"{'https' if context else 'http'}://127.0.0.1:{port}/hook"
        try:
            yield self
        finally:
            for server in servers:
                server.close()

    def serving(self, name):
        async def serve(reader, writer):
            try:
                while head := await reader.readuntil(b"\r\n\r\n"):
                    length = next(
                        int(line.split(b":")[1])
                        for line in head.lower().split(b"\r\n")
                        if line.startswith(b"content-length")
                    )
                    await reader.readexactly(length)
                    self.got[name] += 1
                    await getattr(self, name)(writer)
                    await writer.drain()
            except (asyncio.IncompleteReadError, ConnectionError):
                pass
            finally:
                writer.close()

        return serve

    async def good(self, writer):
        writer.write(NO_CONTENT)

    async def slow(self, writer):
        await asyncio.sleep(0.2)
        writer.write(NO_CONTENT)

    async def hangs(self, writer):
        await asyncio.sleep(3_600)

    async def fails(self, writer):
        writer.write(answered(500))

    async def throttles(self, writer):
        writer.write(answered(429, "retry-after: 900"))

    async def redirects(self, writer):
        writer.write(answered(301, f"location: {self.urls['good']}"))

    async def endless(self, writer):
        writer.write(ENDLESS)
        while True:
            writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
            await writer.drain()

    async def drips(self, writer):
        writer.write(ENDLESS)
        while True:
            writer.write(b"1\r\nx\r\n")
            await writer.drain()
            await asyncio.sleep(0.05)

    async def closes(self, writer):
        writer.close()

    async def babbles(self, writer):
        writer.write(b"220 mail.example ESMTP\r\n")

    async def bad_tls(self, writer):
        writer.write(NO_CONTENT)

    def self_signed(self):
        """Return a server's context with a certificate that nobody vouches for."""
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
        now = dt.datetime.now(dt.UTC)
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
                critical=False,
            )
            .sign(key, hashes.SHA256())
        )
        path = self.folder / "receiver.pem"
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context
