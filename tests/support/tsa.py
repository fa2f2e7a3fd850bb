"""A time-stamping service on 127.0.0.1 that says what a test wants, rightly or wrongly: RFC 3161, with any fault.

`openssl ts -verify` takes its good answers (a test shows it), and refuses to make the bad ones: so they are made here.
"""

import hashlib
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

from asn1crypto import cms, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.sealing.generation import Issued, make_authority

SINCE = datetime.now(UTC) - timedelta(days=400)
YEARS = timedelta(days=800)
STAMPING = (ExtendedKeyUsageOID.TIME_STAMPING,)
POLICY = "1.3.6.1.4.1.99999.1"


def authority(name: str = "TSA CA") -> Issued:
    """A CA for time-stamping services."""
    return make_authority(name, SINCE, YEARS)


def stamper(
    above: Issued,
    uses: tuple[x509.ObjectIdentifier, ...] = STAMPING,
    *,
    critical: bool = True,
    number: int | None = None,
    until: datetime = SINCE + YEARS,
) -> Issued:
    """The key and certificate of a service, as RFC 3161 wants it unless the test wants another."""
    issuer = x509.load_pem_x509_certificate(above.certificate)
    issuer_key: Any = serialization.load_pem_private_key(above.key, None)
    key = ec.generate_private_key(ec.SECP256R1())
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "TSA")]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(number or x509.random_serial_number())
        .not_valid_before(SINCE)
        .not_valid_after(until)
    )
    if uses:
        builder = builder.add_extension(x509.ExtendedKeyUsage(uses), critical=critical)
    certificate = builder.sign(issuer_key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Issued(private, certificate.public_bytes(pem))


@dataclass
class TimestampAuthority:
    """A context manager. `say` tells `stamp`, `nothing` (an error of HTTP), `rubbish`, `refusal`, `huge` or `slow`.

    `signer` signs; `imprint` and `nonce` take the place of the question's; `shift` is how wrong its clock is;
    `beside` are further certificates in the answer. `asked` counts the questions.
    """

    signer: Issued
    say: str = "stamp"
    imprint: bytes | None = None
    nonce: int | None = None
    shift: timedelta = timedelta()
    beside: tuple[Issued, ...] = ()
    asked: int = 0
    answers: list[bytes] = field(default_factory=list)

    def __enter__(self) -> Self:
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                question = self.rfile.read(int(self.headers["Content-Length"]))
                service.asked += 1
                if service.say == "slow":
                    time.sleep(1)
                answer = service.answer(question)
                self.send_response(500 if service.say == "nothing" else 200)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                try:
                    self.wfile.write(answer)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
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
        if self.say == "refusal":
            return bytes.fromhex("30053003020102")  # status 2, rejection, and no token
        asked = tsp.TimeStampReq.load(question)
        imprint = self.imprint or asked["message_imprint"]["hashed_message"].native
        info = {
            "version": "v1",
            "policy": POLICY,
            "message_imprint": {"hash_algorithm": {"algorithm": "sha256"}, "hashed_message": imprint},
            "serial_number": self.asked + 1,
            "gen_time": (datetime.now(UTC) + self.shift).replace(microsecond=0),
            "nonce": self.nonce or asked["nonce"].native,
        }
        answer = self._signed(tsp.TSTInfo(info))
        return answer + bytes(1 << 17) if self.say == "huge" else answer

    def _signed(self, info: tsp.TSTInfo) -> bytes:
        certificate, key = _pair(self.signer)
        sha256 = {"algorithm": "sha256"}
        attributes = cms.CMSAttributes(
            [
                {"type": "content_type", "values": ["tst_info"]},
                {"type": "message_digest", "values": [hashlib.sha256(info.dump()).digest()]},
                {
                    "type": "signing_certificate_v2",
                    "values": [{"certs": [{"cert_hash": hashlib.sha256(certificate.dump()).digest()}]}],
                },
            ]
        )
        signer = {
            "version": "v1",
            "sid": {
                "issuer_and_serial_number": {
                    "issuer": certificate["tbs_certificate"]["issuer"],
                    "serial_number": certificate["tbs_certificate"]["serial_number"].native,
                }
            },
            "digest_algorithm": sha256,
            "signed_attrs": attributes,
            "signature_algorithm": {"algorithm": "sha256_ecdsa"},
            "signature": key.sign(attributes.dump(), ec.ECDSA(hashes.SHA256())),
        }
        signed = {
            "version": "v3",
            "digest_algorithms": [sha256],
            "encap_content_info": {"content_type": "tst_info", "content": info},
            "certificates": [certificate, *(_pair(each)[0] for each in self.beside)],
            "signer_infos": [signer],
        }
        token = {"content_type": "signed_data", "content": cms.SignedData(signed)}
        return tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": token}).dump()


def _pair(issued: Issued) -> tuple[asn1_x509.Certificate, Any]:
    certificate = x509.load_pem_x509_certificate(issued.certificate)
    loaded = asn1_x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))
    return loaded, serialization.load_pem_private_key(issued.key, None)
