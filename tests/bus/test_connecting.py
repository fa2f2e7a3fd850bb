"""How the environment names Kafka and the credentials for it."""

from pathlib import Path

import pytest

from gateway.bus.connecting import Endpoint
from gateway.errors import ConfigurationError
from gateway.settings import read_settings

SASL = {"GATEWAY_KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "GATEWAY_KAFKA_USERNAME": "relay"}


def test_without_settings_nothing_is_asked_of_kafka() -> None:
    assert Endpoint.read("kafka:9092", {}) == Endpoint("kafka:9092")


def test_user_password_file_and_trust_are_taken_and_the_password_is_shown_nowhere(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("hush-hush\n", encoding="ascii")
    environment = {**SASL, "GATEWAY_KAFKA_BOOTSTRAP": "kafka:9093", "GATEWAY_KAFKA_PASSWORD_FILE": str(password)}
    settings = read_settings(environment, None)
    endpoint = settings.bootstrap("relay")
    options = endpoint.options()
    assert (options["sasl_plain_username"], options["sasl_plain_password"]) == ("relay", "hush-hush")
    assert options["ssl_context"] is not None
    assert options["ssl_context"].check_hostname
    assert str(endpoint) == "kafka:9093"
    assert "hush-hush" not in repr(settings)
    assert settings.bootstrap("analytics", "other:1").bootstrap == "other:1"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("SECURITY_PROTOCOL", "TLS", "known are PLAINTEXT, SSL, SASL_PLAINTEXT, SASL_SSL"),
        ("SASL_MECHANISM", "GSSAPI", "known are SCRAM-SHA-256"),
        ("USERNAME", "relay", "USERNAME and GATEWAY_KAFKA_PASSWORD_FILE"),
        ("CA_FILE", "ca.pem", "need SSL or SASL_SSL"),
    ],
)
def test_settings_that_can_not_be_meant_are_refused_by_name(name: str, value: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Endpoint.read("kafka:9092", {f"GATEWAY_KAFKA_{name}": value})


def test_a_password_is_needed_for_a_user_and_a_key_for_a_certificate() -> None:
    with pytest.raises(ConfigurationError, match="both needed with SASL"):
        Endpoint.read("kafka:9092", SASL)
    one = {"GATEWAY_KAFKA_SECURITY_PROTOCOL": "SSL", "GATEWAY_KAFKA_CERTIFICATE_FILE": "me.pem"}
    with pytest.raises(ConfigurationError, match="belong together"):
        Endpoint.read("kafka:9092", one)


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    missing = Endpoint("kafka:9092", "SASL_PLAINTEXT", username="relay", password_file=tmp_path / "none")
    with pytest.raises(ConfigurationError, match=r"the password file .*none can't be read"):
        missing.options()
    with pytest.raises(ConfigurationError, match="certificates or the key can't be used"):
        Endpoint("kafka:9092", "SSL", ca_file=tmp_path / "none").options()
