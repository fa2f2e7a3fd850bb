"""Keys: their files, their names, what certificates say, and how they are made."""

import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID
from joserfc.jwk import ECKey

from gateway.errors import ConfigurationError
from gateway.local.authority import ThrowAwayAuthority
from gateway.sealing.certificates import describe, signer_of
from gateway.sealing.generation import Subject, generate_gateway_key, write_private
from gateway.sealing.keys import LocalKeyHolder
from gateway.sealing.trust import TrustStore
from tests.sealing.facts import MOMENT
from tests.sealing.kit import AT, SAMPLES, Certificate, key, leaf, name, person, root


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_gateway_key_is_made_once_with_a_mode_that_only_its_owner_reads(tmp_path: Path) -> None:
    key_path, certificate_path = generate_gateway_key(tmp_path / "keys", "GATEWAY", MOMENT)
    first = key_path.read_bytes()
    assert (mode(key_path), mode(certificate_path)) == (0o600, 0o644)
    assert generate_gateway_key(tmp_path / "keys", "GATEWAY", MOMENT) == (key_path, certificate_path)
    assert key_path.read_bytes() == first
    assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == [certificate_path.name, key_path.name]


@pytest.mark.parametrize("loose", [0o640, 0o604, 0o660, 0o644, 0o777])
def test_a_key_that_others_may_read_is_refused_and_the_remedy_named(tmp_path: Path, loose: int) -> None:
    key_path, certificate_path = generate_gateway_key(tmp_path, "GATEWAY", MOMENT)
    key_path.chmod(loose)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        LocalKeyHolder.load(key_path, certificate_path)


def test_a_key_is_named_by_its_thumbprint(tmp_path: Path) -> None:
    holder = LocalKeyHolder.load(*generate_gateway_key(tmp_path, "GATEWAY", MOMENT))
    expected = ECKey.import_key((tmp_path / "gateway.key.pem").read_bytes()).thumbprint()
    assert holder.kid == expected
    assert holder.algorithm == "ES256"


async def test_signatures_of_one_message_are_one_value(tmp_path: Path) -> None:
    holder = LocalKeyHolder.load(*generate_gateway_key(tmp_path, "GATEWAY", MOMENT))
    assert await holder.sign(b"a") == holder.sign_now(b"a")
    assert len(holder.sign_now(b"a")) == 64


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.pem"):
        LocalKeyHolder.load(tmp_path / "none.pem", tmp_path / "none.pem")


def test_a_key_and_the_certificate_of_another_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="belongs together"):
        LocalKeyHolder.from_pem(leaf().key_pem, leaf("rsa2048").pem)


@pytest.mark.parametrize("pem", [b"", b"nothing", leaf().pem])
def test_what_is_no_key_is_refused(pem: bytes) -> None:
    with pytest.raises(ConfigurationError):
        LocalKeyHolder.from_pem(pem, leaf().pem)


def test_an_encrypted_key_is_refused_with_what_to_do() -> None:
    pem = key("p256:leaf").private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"x")
    )
    with pytest.raises(ConfigurationError, match="unencrypted"):
        LocalKeyHolder.from_pem(pem, leaf().pem)


@pytest.mark.parametrize("kind", ["p384", "rsa1024", "k256"])
def test_keys_of_other_sizes_and_curves_are_not_used(kind: str) -> None:
    with pytest.raises(ConfigurationError, match="not used"):
        LocalKeyHolder.from_pem(leaf(kind).key_pem, leaf(kind).pem)


def test_a_file_that_could_not_be_written_whole_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "place").mkdir()
    (tmp_path / "place" / "full").touch()
    with pytest.raises(OSError, match="place"):
        write_private(tmp_path / "place", b"secret")
    assert [path.name for path in tmp_path.iterdir()] == ["place"]


def test_the_samples_certificates_say_who_they_are_of() -> None:
    (casino,) = describe((SAMPLES / "casino.pem").read_bytes())
    assert (casino.bin, casino.iin) == ("230941821107", "741120310224")
    assert casino.fingerprint == "3033a5b09a771b2d10a20383fc03181a5836d5cef299f8b38740834c16e52cec"
    (authority,) = describe((SAMPLES / "ca.pem").read_bytes())
    assert (authority.bin, authority.iin) == (None, None)


@pytest.mark.parametrize(
    "unit",
    ["BIN23094182110", "BIN2309418211070", "bin230941821107", "BIN 230941821107", "BIN23094182110٧", "HR"],
)
def test_an_organisational_unit_of_another_form_says_nothing(unit: str) -> None:
    subject = name("LEAF", (NameOID.ORGANIZATIONAL_UNIT_NAME, unit), (NameOID.SERIAL_NUMBER, "IIN741120310224"))
    signer = signer_of(Certificate(subject, "p256:leaf", root()).made)
    assert (signer.bin, signer.identifier) == (None, "741120310224")


def test_a_certificate_that_holds_both_counts_for_its_bin() -> None:
    assert signer_of(Certificate(person(), "p256:leaf", root()).made).identifier == "230941821107"


@pytest.mark.parametrize("kind", ["p256", "rsa2048"])
def test_a_throw_away_authority_makes_certificates_like_those_of_the_national_centre(tmp_path: Path, kind: str) -> None:
    authority = ThrowAwayAuthority(tmp_path)
    anchor = authority.make(AT)
    subject = Subject("ПРИМЕР ПРИМЕР", "ПРИМЕР", "ПРИМЕР", "741120310224", "230941821107", "ТОО Казино")
    made = authority.enrol("casino", subject, AT, "rsa2048" if kind == "rsa2048" else "p256")
    assert (mode(made.key), mode(anchor.key)) == (0o600, 0o600)
    assert authority.make(AT) == anchor
    assert authority.enrol("casino", subject, AT).read() == made.read()
    holder = LocalKeyHolder.load(made.key, made.certificate)
    assert holder.algorithm == ("RS256" if kind == "rsa2048" else "ES256")
    (facts,) = describe(made.certificate.read_bytes())
    assert facts.subject == (
        "C=KZ,O=ТОО Казино,OU=BIN230941821107,2.5.4.5=IIN741120310224,2.5.4.42=ПРИМЕР,2.5.4.4=ПРИМЕР,CN=ПРИМЕР ПРИМЕР"
    )
    der = x509.load_pem_x509_certificate(facts.pem).public_bytes(serialization.Encoding.DER)
    assert TrustStore([anchor.certificate.read_bytes()]).trusted([der], AT).signer.bin == "230941821107"
