"""A complex's software written from the documentation and the XSD alone: lxml, cryptography and httpx, nothing else.

What an operator does for it (trust and enrolment) is done by the command line.
"""

import base64
import hashlib
import json
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import NameOID
from lxml import etree

DS = "http://www.w3.org/2000/09/xmldsig#"
C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
ECDSA = "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"
COMPLEX = "KZ-INDEPENDENT-1"
KIND = "093"
FIRST_PREVIOUS = "0" * 64


class Running(Protocol):
    """Where the gateway is that the tests share."""

    @property
    def url(self) -> str | None: ...

    @property
    def directory(self) -> Path: ...


class Client:
    """A casino's own program: a key, a certificate, and what it sends."""

    def __init__(self, identifier: str, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
        self.identifier = identifier
        self._key = key
        self._der = certificate.public_bytes(serialization.Encoding.DER)

    def message(self, content: etree._Element) -> bytes:
        """The content in its envelope, signed, in UTF-16."""
        root = element("Root", text("Version", guid()), text("DocumentUniqueIdentifier", guid()))
        root.append(element("PersonalData", text("OrganisationCode", KIND), text("IINBIN", self.identifier)))
        root.append(content)
        now = datetime.now(ZoneInfo("Asia/Almaty"))
        signed = element(
            "SignedData",
            text("Sender", f"CASINO{self.identifier}"),
            text("Receiver", "AFM"),
            text("TimeStamp", now.strftime("%d.%m.%Y %H:%M:%S")),
            element("Data", root),
        )
        signature = text("Signature", self._signature(canonical(signed)))
        signed.append(signature)
        whole = etree.tostring(element("ExportData", signed), encoding="unicode")
        return f'<?xml version="1.0" encoding="UTF-16"?>{whole}'.encode("utf-16")

    def token(self, audience: str) -> str:
        """The JWT with which it reads its own."""
        thumbprint = base64url(hashlib.sha256(self._der).digest())
        now = int(time.time())
        header = {"alg": "ES256", "typ": "JWT", "x5t#S256": thumbprint}
        claims = {"iss": self.identifier, "aud": audience, "iat": now, "exp": now + 200}
        body = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
        return f"{body}.{base64url(self._raw(body.encode()))}"

    def _signature(self, signed: bytes) -> str:
        digest = base64.b64encode(hashlib.sha256(signed).digest()).decode()
        info = (
            f'<SignedInfo xmlns="{DS}"><CanonicalizationMethod Algorithm="{C14N}"></CanonicalizationMethod>'
            f'<SignatureMethod Algorithm="{ECDSA}"></SignatureMethod><Reference URI="SignedData"><Transforms>'
            f'<Transform Algorithm="{C14N}"></Transform></Transforms><DigestMethod Algorithm="{SHA256}"></DigestMethod>'
            f"<DigestValue>{digest}</DigestValue></Reference></SignedInfo>"
        )
        value = base64.b64encode(self._raw(canonical(etree.fromstring(info)))).decode()
        certificate = base64.b64encode(self._der).decode()
        whole = (
            f'<Signature xmlns="{DS}">{info.replace(f" xmlns={chr(34)}{DS}{chr(34)}", "")}'
            f"<SignatureValue>{value}</SignatureValue><KeyInfo><X509Data><X509Certificate>{certificate}"
            "</X509Certificate></X509Data></KeyInfo></Signature>"
        )
        return base64.b64encode(whole.encode()).decode()

    def _raw(self, data: bytes) -> bytes:
        r, s = decode_dss_signature(self._key.sign(data, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def registration() -> etree._Element:
    units = element("Units", *(unit(name, kind) for name, kind in (("SERVER", "SERVER"), ("DESK-1", "DESK"))))
    fields = {"Kind": KIND, "Name": "Казино", "Premises": "750000000", "HeartbeatSeconds": "3600"}
    return element(
        "ComplexRegistration",
        text("ComplexId", COMPLEX),
        text("Action", "REGISTER"),
        *(text(tag, value) for tag, value in fields.items()),
        units,
    )


def batch(number: int, previous: str, first: int) -> etree._Element:
    """Two events: a heart-beat, and money for chips."""
    now = datetime.now(UTC) - timedelta(seconds=5)
    events = [
        event(first, now, "HEARTBEAT", "SERVER"),
        event(first + 1, now, "BUY-IN", "DESK-1", Amount="150000.50", Means="CASH"),
    ]
    totals = element("Totals", total("BUY-IN", 1, "150000.50"), total("HEARTBEAT", 1, "0"))
    fields = {
        "ComplexId": COMPLEX,
        "BatchSequence": str(number),
        "PreviousBatchHash": previous,
        "FirstEventSequence": str(first),
        "LastEventSequence": str(first + 1),
        "MadeAt": rfc3339(now),
    }
    head = [text(tag, value) for tag, value in fields.items()]
    return element("GamingBatch", *head, totals, element("Events", *events))


def chain_repair(number: int, previous: str) -> etree._Element:
    return element(
        "ChainRepair",
        text("ComplexId", COMPLEX),
        text("BatchSequence", str(number)),
        text("Repairs", "CHAIN"),
        text("PreviousBatchHash", previous),
        text("Reason", "The disk was restored from a copy"),
    )


def event(sequence: int, moment: datetime, kind: str, unit_id: str, **facts: str) -> etree._Element:
    own = {"Sequence": str(sequence), "Id": guid(), "Kind": kind, "Time": rfc3339(moment), "Unit": unit_id}
    return etree.Element("Event", {**own, **facts})


def total(kind: str, count: int, amount: str) -> etree._Element:
    return etree.Element("Total", {"Kind": kind, "Count": str(count), "Amount": amount})


def unit(name: str, kind: str) -> etree._Element:
    return etree.Element("Unit", {"Id": name, "Kind": kind})


def element(tag: str, *children: etree._Element) -> etree._Element:
    made = etree.Element(tag)
    made.extend(children)
    return made


def text(tag: str, value: str) -> etree._Element:
    made = etree.Element(tag)
    made.text = value
    return made


def canonical(made: etree._Element) -> bytes:
    return etree.tostring(made, method="c14n", exclusive=True, with_comments=False)


def guid() -> str:
    return str(uuid.uuid4()).upper()


def rfc3339(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def make_identifier() -> str:
    """A BIN: month of registration, resident legal person, a serial number, the check digit of the documentation."""
    for serial in range(7_000, 9_999):
        digits = [int(digit) for digit in f"2001400{serial:04d}"]
        rest = sum(digit * weight for digit, weight in zip(digits, range(1, 12), strict=True)) % 11
        if rest < 10:
            return "".join(map(str, (*digits, rest)))
    raise AssertionError


def certified(common_name: str, identifier: str, directory: Path) -> tuple[Client, Sequence[Path]]:
    """A key with a certificate as the national centre issues them, under an authority made for it; the PEM files."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Independent CA")])
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, f"BIN{identifier}"),
            x509.NameAttribute(NameOID.COUNTRY_NAME, "KZ"),
        ]
    )
    anchor = signed_certificate(authority, authority_key, authority, authority_key, ca=True)
    own = signed_certificate(subject, key, authority, authority_key, ca=False)
    files = [directory / "authority.pem", directory / "own.pem"]
    for path, certificate in zip(files, (anchor, own), strict=True):
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return Client(identifier, key, own), files


def signed_certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    ca: bool,
) -> x509.Certificate:
    now = datetime.now(UTC)
    usage = x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=not ca,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(issuer_key, hashes.SHA256())
    )


def gateway(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gateway", *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr


class Session:
    """One connection of the casino to the gateway."""

    def __init__(self, client: Client, url: str, http: httpx.Client) -> None:
        self._client = client
        self._url = url
        self._http = http

    def file(self, body: bytes) -> Mapping[str, Any]:
        """The receipt's facts; a casino that was enrolled just now may have to wait some seconds."""
        answer = self._post(body)
        for _ in range(60):
            if answer.status_code not in (401, 403):
                break
            time.sleep(0.25)
            answer = self._post(body)
        assert answer.status_code == 201, answer.text
        facts: Mapping[str, Any] = answer.json()
        return facts

    def _post(self, body: bytes) -> httpx.Response:
        return self._http.post("/v1/messages", content=body, headers={"Content-Type": "application/xml"})

    def read(self, path: str) -> Any:
        answer = self._http.get(path, headers={"Authorization": f"Bearer {self._client.token(self._url)}"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def position(self) -> Mapping[str, Any]:
        position: Mapping[str, Any] = self.read(f"/v1/gaming/complexes/{COMPLEX}/position")
        return position


@pytest.fixture
def casino(stack: Running, tmp_path: Path) -> Iterator[tuple[Client, Session]]:
    identifier = make_identifier()
    client, (authority, own) = certified("Independent casino", identifier, tmp_path)
    here = ("--dir", str(stack.directory))
    gateway("trust", "add", str(authority), *here)
    names = ("--kind", KIND, "--name", "Independent casino", "--certificate", str(own))
    gateway("entities", "enrol", "--bin", identifier, *names, *here)
    with httpx.Client(base_url=stack.url or "", timeout=30) as http:
        yield client, Session(client, stack.url or "", http)


def test_a_client_of_other_make_files_batches_closes_a_gap_and_repairs_its_chain(
    casino: tuple[Client, Session],
) -> None:
    client, session = casino
    session.file(client.message(registration()))
    assert session.position()["last_batch"] == 0

    first = client.message(batch(1, FIRST_PREVIOUS, 1))
    second = client.message(batch(2, sha256(first), 3))
    third = client.message(batch(3, sha256(second), 5))
    session.file(first)
    session.file(third)
    position = session.position()
    assert (position["last_batch"], position["last_batch_hash"]) == (1, sha256(first))
    assert {"what": "batch", "first": 2, "last": 2}.items() <= position["missing"][0].items()

    session.file(second)
    position = session.position()
    assert (position["last_batch"], position["last_batch_hash"], position["last_event"]) == (3, sha256(third), 6)
    assert position["missing"] == []
    assert position["open_tickets"] == []

    session.file(client.message(batch(4, sha256(b"a copy of long ago"), 7)))
    assert [ticket["kind"] for ticket in session.position()["open_tickets"]] == ["chain"]
    session.file(client.message(chain_repair(4, sha256(third))))
    position = session.position()
    assert position["open_tickets"] == []
    assert (position["last_batch"], position["last_event"], position["state"]) == (4, 8, "active")
    states = {ticket["kind"]: ticket["state"] for ticket in session.read("/v1/tickets")["tickets"]}
    assert states == {"gap": "closed", "chain": "closed"}


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
