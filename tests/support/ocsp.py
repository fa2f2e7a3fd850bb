"""An OCSP responder on 127.0.0.1 that says what a test wants, rightly or wrongly signed."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import TracebackType
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509 import ocsp

from gateway.sealing.generation import Issued

DAY = timedelta(days=1)


@dataclass
class Responder:
    """A context manager. `say` tells `good`, `revoked`, `unknown`, `nothing` (an error of HTTP), `rubbish` or `busy`.

    `delegate` signs in place of the authority; `nonce` False leaves the question's out; `made` shifts the answer's
    time. `asked` counts the questions.
    """

    authority: Issued
    say: str = "good"
    delegate: Issued | None = None
    nonce: bool = True
    made: timedelta = timedelta()
    asked: int = 0
    revoked: set[int] = field(default_factory=set)

    def __enter__(self) -> Self:
        responder = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                question = self.rfile.read(int(self.headers["Content-Length"]))
                responder.asked += 1
                answer = responder.answer(question)
                self.send_response(500 if responder.say == "nothing" else 200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                return

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/"

    def answer(self, question: bytes) -> bytes:
        if self.say in ("nothing", "rubbish"):
            return b"rubbish"
        if self.say == "busy":
            busy = ocsp.OCSPResponseBuilder.build_unsuccessful(ocsp.OCSPResponseStatus.TRY_LATER)
            return busy.public_bytes(serialization.Encoding.DER)
        asked = ocsp.load_der_ocsp_request(question)
        signer = self.delegate or self.authority
        certificate = x509.load_pem_x509_certificate(signer.certificate)
        builder = ocsp.OCSPResponseBuilder().responder_id(ocsp.OCSPResponderEncoding.HASH, certificate)
        builder = builder.add_response_by_hash(
            **self._single(asked), serial_number=asked.serial_number, algorithm=asked.hash_algorithm
        )
        if self.delegate:
            builder = builder.certificates([certificate])
        if self.nonce:
            told = asked.extensions.get_extension_for_class(x509.OCSPNonce).value
            builder = builder.add_extension(x509.OCSPNonce(told.nonce), critical=False)
        key: Any = serialization.load_pem_private_key(signer.key, None)
        return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)

    def _single(self, asked: ocsp.OCSPRequest) -> dict[str, Any]:
        now = datetime.now(UTC) + self.made
        is_revoked = self.say == "revoked" or asked.serial_number in self.revoked
        status = ocsp.OCSPCertStatus.REVOKED if is_revoked else ocsp.OCSPCertStatus.GOOD
        if self.say == "unknown":
            status = ocsp.OCSPCertStatus.UNKNOWN
        return {
            "issuer_name_hash": asked.issuer_name_hash,
            "issuer_key_hash": asked.issuer_key_hash,
            "cert_status": status,
            "this_update": now,
            "next_update": now + timedelta(minutes=10),
            "revocation_time": now - DAY if is_revoked else None,
            "revocation_reason": None,
        }
