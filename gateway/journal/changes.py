"""What every change of the directory and of people shares: its version, its record, and whose a certificate is."""

import hashlib
import ssl
from collections.abc import Sequence

import orjson

from gateway.journal.audit import Deed, append_deed
from gateway.journal.connections import AnyConnection
from gateway.journal.errors import EnrolmentRefused
from gateway.journal.queries import sql

_PEM_BEGIN = b"-----BEGIN CERTIFICATE-----"
_DER_SEQUENCE = b"\x30"


def fingerprint_of(pem: bytes) -> str:
    """The lower-case hex SHA-256 of the certificate's DER.

    Raises EnrolmentRefused with `not-one-certificate`.
    """
    try:
        der = ssl.PEM_cert_to_DER_cert(pem.decode("ascii").strip())
    except ValueError as error:
        raise EnrolmentRefused("not-one-certificate", "the text is not a certificate in PEM") from error
    if pem.count(_PEM_BEGIN) != 1 or der[:1] != _DER_SEQUENCE:
        raise EnrolmentRefused("not-one-certificate", "exactly one certificate in PEM is needed")
    return hashlib.sha256(der).hexdigest()


async def recorded(connection: AnyConnection, deed: Deed) -> int:
    """The version of this change, which is written down among the changes and in the audit log, in one transaction.

    It takes the lock that orders changes.
    """
    version = await connection.fetchval(sql("next_directory_version"))
    detail = orjson.dumps(dict(deed.detail)).decode()
    await connection.execute(sql("record_directory_change"), version, deed.at, deed.action, deed.subject, detail)
    await append_deed(connection, deed)
    return int(version)


async def refuse_foreign(connection: AnyConnection, holder: str, fingerprints: Sequence[str], what: str) -> None:
    """Raises EnrolmentRefused where a certificate is another's, or was revoked; `what` is `entity` or `person`."""
    for row in await connection.fetch(sql("holders_of_certificates"), fingerprints):
        if (row["what"], row["holder"]) != (what, holder):
            raise EnrolmentRefused(
                "certificate-of-another", f"the certificate {row['fingerprint']} is enrolled for somebody else"
            )
        if row["revoked_at"] is not None:
            raise EnrolmentRefused(
                "certificate-revoked", f"the certificate {row['fingerprint']} was revoked, and does not come back"
            )
