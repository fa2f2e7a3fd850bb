"""Making keys and certificates: the gateway's own, and throw-away ones for demonstrations and tests.

Nothing here reads a clock: the moment from which a certificate holds is an argument.
"""

import os
import tempfile
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.sealing.keys import PrivateKey

KeyKind = Literal["p256", "rsa2048"]

NATURAL_PERSON = x509.ObjectIdentifier("1.2.398.3.3.4.1.1")
LEGAL_PERSON = x509.ObjectIdentifier("1.2.398.3.3.4.1.2")
FIRST_HEAD = x509.ObjectIdentifier("1.2.398.3.3.4.1.2.1")
YEARS = timedelta(days=365)
_SLACK = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Issued:
    """A private key and its certificate, each as PEM."""

    key: bytes
    certificate: bytes


@dataclass(frozen=True, slots=True)
class Subject:
    """Who a certificate is for, in the shape of the National certification centre: `iin` and `bin` have 12 digits."""

    common_name: str
    surname: str | None = None
    given_name: str | None = None
    iin: str | None = None
    bin: str | None = None
    organisation: str | None = None

    def name(self) -> x509.Name:
        """The distinguished name: `CN`, `SURNAME`, `G`, `SERIALNUMBER=IIN...`, `OU=BIN...`, `O`, `C=KZ`."""
        parts = [
            (NameOID.COMMON_NAME, self.common_name),
            (NameOID.SURNAME, self.surname),
            (NameOID.GIVEN_NAME, self.given_name),
            (NameOID.SERIAL_NUMBER, f"IIN{self.iin}" if self.iin else None),
            (NameOID.ORGANIZATIONAL_UNIT_NAME, f"BIN{self.bin}" if self.bin else None),
            (NameOID.ORGANIZATION_NAME, self.organisation),
            (NameOID.COUNTRY_NAME, "KZ"),
        ]
        return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts if value])


def make_authority(name: str, since: datetime, lifetime: timedelta = 10 * YEARS) -> Issued:
    """A self-signed CA of P-256 that may issue end certificates alone."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name), x509.NameAttribute(NameOID.COUNTRY_NAME, "KZ")])
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = (
        _builder(subject, key, since, lifetime)
        .issuer_name(subject)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .add_extension(identifier, critical=False)
    )
    return _issued(key, builder.sign(key, hashes.SHA256()))


def issue(
    authority: Issued, subject: Subject, since: datetime, lifetime: timedelta = YEARS, kind: KeyKind = "p256"
) -> Issued:
    """A key and a certificate like those of the National certification centre, under a throw-away authority."""
    issuer_key = serialization.load_pem_private_key(authority.key, password=None)
    issuer = x509.load_pem_x509_certificate(authority.certificate)
    if not isinstance(issuer_key, ec.EllipticCurvePrivateKey):
        raise TypeError("an authority's key is of P-256")
    key = _new_key(kind)
    uses = [LEGAL_PERSON, FIRST_HEAD] if subject.bin else [NATURAL_PERSON]
    issuer_identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        _builder(subject.name(), key, since, lifetime)
        .issuer_name(issuer.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(digital_signature=True, content_commitment=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([*uses, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_identifier), critical=False
        )
    )
    return _issued(key, builder.sign(issuer_key, hashes.SHA256()))


def make_gateway_key(common_name: str, since: datetime, lifetime: timedelta = 5 * YEARS) -> Issued:
    """The key (P-256) with which a gateway seals, and a self-signed certificate that may sign and nothing else."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, common_name), x509.NameAttribute(NameOID.COUNTRY_NAME, "KZ")]
    )
    builder = (
        _builder(subject, key, since, lifetime)
        .issuer_name(subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(digital_signature=True, content_commitment=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return _issued(key, builder.sign(key, hashes.SHA256()))


def generate_gateway_key(directory: Path, common_name: str, since: datetime) -> tuple[Path, Path]:
    """`gateway.key.pem` and `gateway.certificate.pem` of a directory; files that are there are left as they are."""
    paths = directory / "gateway.key.pem", directory / "gateway.certificate.pem"
    if not all(path.exists() for path in paths):
        write_issued(make_gateway_key(common_name, since), *paths)
    return paths


def write_issued(issued: Issued, key_path: Path, certificate_path: Path) -> None:
    """Both files, written whole or not at all; the key's with mode 600, the certificate's with mode 644."""
    write_private(key_path, issued.key)
    write_private(certificate_path, issued.certificate, mode=0o644)


def write_private(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Writes a file atomically: under another name beside it, on disk, then renamed. It never has a looser mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _builder(subject: x509.Name, key: PrivateKey, since: datetime, lifetime: timedelta) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since - _SLACK)
        .not_valid_after(since + lifetime)
    )


def _new_key(kind: KeyKind) -> PrivateKey:
    if kind == "rsa2048":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1())


def _key_usage(
    *,
    digital_signature: bool = False,
    content_commitment: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=content_commitment,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _issued(key: PrivateKey, certificate: x509.Certificate) -> Issued:
    return Issued(
        key=key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        certificate=certificate.public_bytes(serialization.Encoding.PEM),
    )
