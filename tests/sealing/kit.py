"""A public-key infrastructure and signatures to order, right and wrong, made without the code under test."""

import base64
import functools
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from lxml import etree

from gateway.sealing.trust import TrustStore

SAMPLES = Path(__file__).parent.parent / "samples"
AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
DSIG = "http://www.w3.org/2000/09/xmldsig#"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
EXC = "http://www.w3.org/2001/10/xml-exc-c14n#"
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
Extension = tuple[x509.ExtensionType, bool]


@functools.cache
def key(name: str) -> PrivateKey:
    """A key that is made once a session; the part before the colon tells its kind."""
    kind = name.partition(":")[0]
    curves: dict[str, ec.EllipticCurve] = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "k256": ec.SECP256K1()}
    if kind in curves:
        return ec.generate_private_key(curves[kind])
    if kind == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    return rsa.generate_private_key(public_exponent=65537, key_size=int(kind.removeprefix("rsa")))


def name(common_name: str, *more: tuple[x509.ObjectIdentifier, str], country: str = "KZ") -> x509.Name:
    parts = [(NameOID.COMMON_NAME, common_name), *more, (NameOID.COUNTRY_NAME, country)]
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in parts])


def person(common_name: str = "LEAF", iin: str = "741120310224", organisation: str = "230941821107") -> x509.Name:
    return name(
        common_name, (NameOID.SERIAL_NUMBER, f"IIN{iin}"), (NameOID.ORGANIZATIONAL_UNIT_NAME, f"BIN{organisation}")
    )


def usage(*allowed: str) -> Extension:
    names = [
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ]
    return x509.KeyUsage(**{each: each in allowed for each in names}), True


def ca_extensions(path_length: int | None = None) -> list[Extension]:
    return [(x509.BasicConstraints(ca=True, path_length=path_length), True), usage("key_cert_sign", "crl_sign")]


LEAF_EXTENSIONS: list[Extension] = [
    (x509.BasicConstraints(ca=False, path_length=None), True),
    usage("digital_signature", "content_commitment"),
    (x509.ExtendedKeyUsage([x509.ObjectIdentifier("1.2.398.3.3.4.1.2"), ExtendedKeyUsageOID.CLIENT_AUTH]), False),
]


@dataclass(frozen=True)
class Certificate:
    """What goes into a certificate; `issuer` None means self-signed."""

    subject: x509.Name
    key: str
    issuer: "Certificate | None" = None
    extensions: Sequence[Extension] = field(default_factory=lambda: tuple(LEAF_EXTENSIONS))
    since: datetime = AT - 10 * DAY
    until: datetime = AT + 10 * DAY
    digest: hashes.SHA224 | hashes.SHA256 | hashes.SHA384 = field(default_factory=hashes.SHA256)
    signing_key: str | None = None
    identifiers: bool = True

    @functools.cached_property
    def made(self) -> x509.Certificate:
        issuer = self.issuer or self
        builder = (
            x509.CertificateBuilder()
            .subject_name(self.subject)
            .issuer_name(issuer.subject)
            .public_key(key(self.key).public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self.since)
            .not_valid_after(self.until)
        )
        signer = key(self.signing_key or issuer.key)
        extensions = list(self.extensions)
        if self.identifiers:
            extensions.append((x509.SubjectKeyIdentifier.from_public_key(key(self.key).public_key()), False))
            extensions.append((x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), False))
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(signer, self.digest)

    @property
    def der(self) -> bytes:
        return self.made.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.made.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return key(self.key).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


@functools.cache
def root() -> Certificate:
    return Certificate(name("TEST ROOT"), "p256:root", extensions=tuple(ca_extensions()))


@functools.cache
def intermediate() -> Certificate:
    return Certificate(name("TEST CA"), "p256:ca", root(), tuple(ca_extensions(0)))


@functools.cache
def leaf(kind: str = "p256") -> Certificate:
    return Certificate(person(), f"{kind}:leaf", root())


@functools.cache
def deep_leaf() -> Certificate:
    return Certificate(person(), "p256:deep", intermediate())


def ders(chain: Sequence[Certificate]) -> list[bytes]:
    return [certificate.der for certificate in chain]


def store(*anchors: Certificate, crls: Iterable[bytes] = ()) -> TrustStore:
    return TrustStore([anchor.pem for anchor in anchors or (root(),)], crls)


def raw_signature(name_of_key: str, message: bytes) -> bytes:
    signer = key(name_of_key)
    if isinstance(signer, rsa.RSAPrivateKey):
        return signer.sign(message, padding.PKCS1v15(), hashes.SHA256())
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    r, s = decode_dss_signature(signer.sign(message, ec.ECDSA(hashes.SHA256())))
    size = (signer.curve.key_size + 7) // 8
    return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def high_s(value: bytes) -> bytes:
    s = int.from_bytes(value[32:], "big")
    return value[:32] + max(s, ORDER - s).to_bytes(32, "big")


MESSAGE = (
    "<ExportData><SignedData><Sender>CASINO230941821107</Sender><Receiver>AFM</Receiver>"
    "<TimeStamp>20.11.2026 15:30:00</TimeStamp><Data><Root><Version>637647C4-5F42-459F-BE41-07503F52BB4F</Version>"
    "<Note>Әсем, 1 000 ₸</Note></Root></Data><Signature></Signature></SignedData>"
    "<TransportType>1</TransportType></ExportData>"
)

SIGNED_INFO = (
    f'<ds:SignedInfo><ds:CanonicalizationMethod Algorithm="{EXC}"/>'
    '<ds:SignatureMethod Algorithm="{method}"/>'
    f'<ds:Reference URI="SignedData"><ds:Transforms><ds:Transform Algorithm="{EXC}"/></ds:Transforms>'
    '<ds:DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
    "<ds:DigestValue>{digest}</ds:DigestValue></ds:Reference></ds:SignedInfo>"
)

Edit = Callable[[str], str]


def same(text: str) -> str:
    return text


def swap(old: str, new: str, count: int = 1) -> Edit:
    """An edit that must find what it replaces."""

    def edit(text: str) -> str:
        assert old in text, old
        return text.replace(old, new, count)

    return edit


@dataclass(frozen=True)
class Making:
    """How a signature is made; every step may be edited, and what comes before the signing is truly signed."""

    signer: Certificate = field(default_factory=leaf)
    others: Sequence[Certificate] = ()
    message: str = MESSAGE
    method: str | None = None
    signed_info: Edit = same
    value: Callable[[bytes], bytes] = lambda value: value
    whole: Edit = same
    encoded: Edit = same
    delivered: Edit = same

    def but_encoded(self, text: str) -> "Making":
        """The same with another text of `Signature`."""
        return Making(signer=self.signer, encoded=lambda _: text)

    def text(self) -> str:
        """The delivered message."""
        encoded = self.encoded(base64.b64encode(self.signature().encode("utf-8")).decode("ascii"))
        return self.delivered(self.message.replace("<Signature></Signature>", f"<Signature>{encoded}</Signature>", 1))

    def body(self) -> bytes:
        return f"<?xml version='1.0' encoding='UTF-16'?>{self.text()}".encode("utf-16")

    def tree(self) -> etree._Element:
        return etree.fromstring(self.body())

    def signature(self) -> str:
        """The text of `ds:Signature`."""
        rsa_key = isinstance(key(self.signer.key), rsa.RSAPrivateKey)
        method = f"{MORE}{'rsa' if rsa_key else 'ecdsa'}-sha256" if self.method is None else self.method
        digest = base64.b64encode(hashlib.sha256(independent_input(etree.fromstring(self.message))).digest()).decode()
        info = self.signed_info(SIGNED_INFO.replace("{method}", method).replace("{digest}", digest))
        value = self.value(raw_signature(self.signer.key, canonical_info(info)))
        certificates = "".join(
            f"<ds:X509Certificate>{base64.b64encode(each.der).decode()}</ds:X509Certificate>"
            for each in (self.signer, *self.others)
        )
        return self.whole(
            f'<ds:Signature xmlns:ds="{DSIG}">{info}'
            f"<ds:SignatureValue>{base64.b64encode(value).decode()}</ds:SignatureValue>"
            f"<ds:KeyInfo><ds:X509Data>{certificates}</ds:X509Data></ds:KeyInfo></ds:Signature>"
        )


def canonical_info(info: str) -> bytes:
    parsed = etree.fromstring(f'<ds:Signature xmlns:ds="{DSIG}">{info}</ds:Signature>')
    return etree.tostring(parsed[0], method="c14n", exclusive=True, with_comments=False)


def independent_input(message: etree._Element) -> bytes:
    """The digest's input as the profile tells it: a copy of the tree with the signature really taken out."""
    copied = etree.fromstring(etree.tostring(message, encoding="utf-8"))
    signed = copied.find("SignedData")
    assert signed is not None
    signature = signed.find("Signature")
    if signature is not None:
        before = signature.getprevious()
        kept = signature.tail or ""
        if before is None:
            signed.text = (signed.text or "") + kept
        else:
            before.tail = (before.tail or "") + kept
        signature.tail = None
        signed.remove(signature)
    signed.tail = None
    alone = etree.fromstring(etree.tostring(signed, encoding="utf-8"))
    return etree.tostring(alone, method="c14n", exclusive=True, with_comments=False)
