"""Whose certificate `gateway entities enrol` takes for whom."""

from pathlib import Path

from click.testing import CliRunner
from cryptography.x509.oid import NameOID

from gateway.commands.entities import enrol
from gateway.errors import ConfigurationError
from tests.sealing.kit import Certificate, name, root

NUMBER = "230941821107"


def test_a_certificate_that_holds_a_bin_is_not_enrolled_for_an_iin_of_the_same_digits(tmp_path: Path) -> None:
    company = Certificate(name("COMPANY", (NameOID.ORGANIZATIONAL_UNIT_NAME, f"BIN{NUMBER}")), "p256", root())
    certificate = tmp_path / "company.pem"
    certificate.write_bytes(company.pem)
    enrolment = ["--iin", NUMBER, "--kind", "061", "--name", "Notary", "--certificate", str(certificate)]
    refused = CliRunner().invoke(enrol, enrolment).exception
    assert isinstance(refused, ConfigurationError)
    assert f"is not that of IIN {NUMBER}" in str(refused)
