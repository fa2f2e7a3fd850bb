import asyncio
import hashlib
from uuid import UUID

import httpx
import orjson
import pytest
from lxml import etree

from gateway.intake.services import Services
from gateway.journal import Directory
from gateway.local.messages import change
from gateway.sealing.receipts import read_receipt
from tests.intake.kit import NOW, XML, World, utf8

PROBLEM = "application/problem+json"


def assert_problem(answer: httpx.Response, status: int, code: str) -> dict[str, object]:
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM), answer.text
    body: dict[str, object] = answer.json()
    assert body["code"] == code
    assert body["status"] == status
    assert body["type"] == f"urn:fma-gateway:problem:{code}"
    assert str(body["instance"]).startswith("urn:uuid:")
    assert body["title"]
    assert body["detail"]
    return body


async def test_an_accepted_message_gets_201_and_a_receipt_that_verifies(
    client: httpx.AsyncClient, world: World, services: Services
) -> None:
    body = world.message()
    answer = await client.post("/v1/messages", content=body, headers=XML)
    assert answer.status_code == 201, answer.text
    facts = answer.json()
    assert facts["verdict"].startswith("accepted")
    assert facts["sender"] == world["casino"].identifier
    assert facts["sha256"] == hashlib.sha256(body).hexdigest()
    assert answer.headers["location"] == f"/v1/messages/{facts['id']}"
    assert UUID(facts["id"]).version == 7
    assert str(read_receipt(facts["receipt"], services.keyset).id) == facts["id"]


async def test_the_same_message_in_utf_8_is_another_message_of_the_same_document(
    client: httpx.AsyncClient, world: World
) -> None:
    body = world.message()
    assert (await client.post("/v1/messages", content=utf8(body), headers=XML)).status_code == 201
    assert_problem(await client.post("/v1/messages", content=body, headers=XML), 409, "document-conflict")


async def test_the_same_bytes_get_200_and_the_same_receipt(client: httpx.AsyncClient, world: World) -> None:
    body = world.message()
    first = await client.post("/v1/messages", content=body, headers=XML)
    again = await client.post("/v1/messages", content=body, headers=XML)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()


async def test_the_same_bytes_sent_at_once_get_one_receipt(client: httpx.AsyncClient, world: World) -> None:
    body = world.message()
    answers = await asyncio.gather(*(client.post("/v1/messages", content=body, headers=XML) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.json()["receipt"] for answer in answers}) == 1


async def test_a_message_with_an_error_gets_422_and_findings_in_the_language_asked_for(
    client: httpx.AsyncClient, world: World
) -> None:
    body = world.refused_message()
    texts = set()
    for language, status in (("kk", 422), ("ru", 200), ("en", 200)):
        headers = {**XML, "Accept-Language": language}
        answer = await client.post("/v1/messages", content=body, headers=headers)
        assert answer.status_code == status
        assert answer.headers["content-language"] == language
        finding = next(item for item in answer.json()["findings"] if item["severity"] == "error")
        assert finding["path"].endswith("/ViewOperationId")
        texts.add(finding["message"])
    assert len(texts) == 3


async def test_a_refused_document_may_be_filed_again_with_other_bytes(client: httpx.AsyncClient, world: World) -> None:
    root = world.tree("casino")
    good = etree.fromstring(etree.tostring(root))
    change(root, {"MessageInformation/ViewOperationId": "9999"})
    assert (await client.post("/v1/messages", content=world["casino"].sign(root), headers=XML)).status_code == 422
    assert (await client.post("/v1/messages", content=world["casino"].sign(good), headers=XML)).status_code == 201


@pytest.mark.parametrize(("good", "tag", "check"), [(True, "Ack1", "Check"), (False, "Ack2", "Root")])
async def test_a_signed_notice_is_answered_where_xml_is_asked_for(
    client: httpx.AsyncClient, world: World, *, good: bool, tag: str, check: str
) -> None:
    body = world.message() if good else world.refused_message()
    answer = await client.post("/v1/messages", content=body, headers={**XML, "Accept": "application/xml"})
    assert answer.status_code == (201 if good else 422), tag
    assert answer.headers["content-type"] == "application/xml"
    notice = etree.fromstring(answer.content)
    assert notice.find(f"SignedData/Data/{check}") is not None
    assert notice.findtext("SignedData/Signature")
    assert notice.findtext(f"SignedData/Data/{check}/OriginalDocumentGuid")


@pytest.mark.parametrize("body", ["plain", "entities", "bomb", "deep", "utf-7", "empty", "comment"])
async def test_hostile_bytes_get_400_and_nothing_is_kept(
    client: httpx.AsyncClient, world: World, services: Services, body: str
) -> None:
    entities = "".join(f'<!ENTITY e{n} "&e{n - 1};&e{n - 1};">' for n in range(1, 30))
    bodies = {
        "plain": b"this is not xml",
        "entities": b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        "bomb": f'<!DOCTYPE a [<!ENTITY e0 "x">{entities}]><a>&e29;</a>'.encode(),
        "deep": b"<a>" * 5000 + b"</a>" * 5000,
        "utf-7": b'<?xml version="1.0" encoding="UTF-7"?><a/>',
        "empty": b"",
        "comment": world.message().decode("utf-16").replace("<SignedData>", "<!-- --><SignedData>").encode("utf-16"),
    }
    answer = await client.post("/v1/messages", content=bodies[body], headers=XML)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == PROBLEM
    assert "reason" in answer.json()
    assert await services.journal.find(hashlib.sha256(bodies[body]).hexdigest()) is None


async def test_the_reason_of_a_refusal_is_told_in_three_languages_with_its_line(client: httpx.AsyncClient) -> None:
    details = set()
    for language in ("kk", "ru", "en"):
        answer = await client.post(
            "/v1/messages", content=b"<a>\n<!-- -->\n</a>", headers={**XML, "Accept-Language": f"{language};q=0.9,de"}
        )
        problem = assert_problem(answer, 400, "hostile")
        assert (problem["reason"], problem["line"]) == ("comment", 2)
        assert answer.headers["content-language"] == language
        details.add(problem["detail"])
    assert len(details) == 3


async def test_a_missing_signature_gets_401(client: httpx.AsyncClient, world: World) -> None:
    unsigned = etree.tostring(world.tree("casino"), encoding="UTF-16", xml_declaration=True)
    problem = assert_problem(await client.post("/v1/messages", content=unsigned, headers=XML), 401, "signature-missing")
    assert problem["reason"] == "empty-signature"
    assert_problem(await client.post("/v1/messages", content=b"<a/>", headers=XML), 401, "signature-missing")


async def test_a_message_changed_after_signing_gets_401(client: httpx.AsyncClient, world: World) -> None:
    text = world.message().decode("utf-16").replace("<ViewOperationId>0121", "<ViewOperationId>0122")
    answer = await client.post("/v1/messages", content=text.encode("utf-16"), headers=XML)
    assert assert_problem(answer, 401, "signature-wrong")["reason"] == "digest"


async def test_a_certificate_that_is_not_enrolled_gets_403(client: httpx.AsyncClient, world: World) -> None:
    body = world.message("stranger")
    assert_problem(await client.post("/v1/messages", content=body, headers=XML), 403, "sender-not-enrolled")


async def test_a_suspended_entity_gets_403_even_for_bytes_filed_before(
    client: httpx.AsyncClient, world: World, services: Services
) -> None:
    assert_problem(
        await client.post("/v1/messages", content=world.message("halted"), headers=XML), 403, "sender-suspended"
    )
    world.add("later")
    await world.enrol("later")
    await refresh(services)
    body = world.message("later")
    assert (await client.post("/v1/messages", content=body, headers=XML)).status_code == 201
    async with Directory(world.settings.database_url) as directory:
        await directory.suspend(world["later"].identifier, NOW)
    await refresh(services)
    assert_problem(await client.post("/v1/messages", content=body, headers=XML), 403, "sender-suspended")


async def refresh(services: Services) -> None:
    await services.senders._directory.refresh()


async def test_a_message_in_anothers_name_gets_403(client: httpx.AsyncClient, world: World) -> None:
    changes = {"PersonalData/IINBIN": world["jeweller"].identifier}
    answer = await client.post("/v1/messages", content=world.message("casino", changes), headers=XML)
    assert_problem(answer, 403, "sender-mismatch")


@pytest.mark.parametrize("identifier", ["12345", "", "23094182110a", None])
async def test_an_identifier_that_has_not_12_digits_is_judged_and_gets_422(
    client: httpx.AsyncClient, world: World, identifier: str | None
) -> None:
    body = world.message("casino", {"PersonalData/IINBIN": identifier})
    answer = await client.post("/v1/messages", content=body, headers=XML)
    assert answer.status_code == 422
    assert any(
        "IINBIN" in finding["path"] or "PersonalData" in finding["path"] for finding in answer.json()["findings"]
    )


async def test_an_entity_known_by_its_iin_files_in_its_own_name(client: httpx.AsyncClient, world: World) -> None:
    answer = await client.post("/v1/messages", content=world.message("notary"), headers=XML)
    assert answer.status_code == 201, answer.text
    assert answer.json()["sender"] == world["notary"].identifier


async def test_an_unknown_kind_of_message_is_judged_and_gets_422(client: httpx.AsyncClient, world: World) -> None:
    root = world.tree("casino")
    data = root.find("SignedData/Data/Root")
    assert data is not None
    data.tag = "Something"
    answer = await client.post("/v1/messages", content=world["casino"].sign(root), headers=XML)
    assert answer.status_code == 422


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/xhtml+xml", "", None])
async def test_another_content_type_gets_415(client: httpx.AsyncClient, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    answer = await client.post("/v1/messages", content=b"<a/>", headers=headers)
    assert_problem(answer, 415, "media-type")


@pytest.mark.parametrize("content_type", ["application/xml; charset=utf-16", "text/xml", "Application/XML;charset=x"])
async def test_the_parameters_of_the_content_type_are_left_to_the_document(
    client: httpx.AsyncClient, world: World, content_type: str
) -> None:
    answer = await client.post("/v1/messages", content=world.message(), headers={"Content-Type": content_type})
    assert answer.status_code == 201


async def test_a_compressed_body_gets_415(client: httpx.AsyncClient) -> None:
    for headers in ([("Content-Encoding", "gzip")], [("Content-Encoding", "identity"), ("Content-Encoding", "gzip")]):
        answer = await client.post("/v1/messages", content=b"x", headers=[*XML.items(), *headers])
        assert_problem(answer, 415, "content-encoding")


async def test_validate_judges_and_files_nothing(client: httpx.AsyncClient, world: World, services: Services) -> None:
    for body, verdict in ((world.message(), "accepted"), (world.refused_message(), "refused")):
        answer = await client.post("/v1/validate", content=body, headers={**XML, "Accept": "application/xml"})
        assert answer.status_code == 200
        assert answer.json()["verdict"].startswith(verdict)
        assert answer.json()["sha256"] == hashlib.sha256(body).hexdigest()
        assert await services.journal.find(hashlib.sha256(body).hexdigest()) is None
    assert_problem(await client.post("/v1/validate", content=b"<a/>", headers=XML), 401, "signature-missing")
    assert_problem(
        await client.post("/v1/validate", content=world.message("halted"), headers=XML), 403, "sender-suspended"
    )


async def test_validate_gives_the_verdict_that_filing_gives(client: httpx.AsyncClient, world: World) -> None:
    body = world.refused_message()
    asked = (await client.post("/v1/validate", content=body, headers=XML)).json()
    filed = (await client.post("/v1/messages", content=body, headers=XML)).json()
    assert {name: filed[name] for name in asked} == asked


async def test_a_valid_traceparent_travels_with_the_record_and_a_wrong_one_is_replaced(
    client: httpx.AsyncClient, world: World, services: Services
) -> None:
    given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    for sent, kept in ((given, True), ("00-" + "0" * 32 + "-00f067aa0ba902b7-01", False), ("garbage", False)):
        answer = await client.post("/v1/messages", content=world.message(), headers={**XML, "traceparent": sent})
        filed = await services.journal.by_id(UUID(answer.json()["id"]), world["casino"].identifier)
        assert filed is not None
        (record,) = filed.records
        carried = dict(record.headers)["traceparent"].decode()
        assert (carried == sent) is kept
        assert len(carried) == 55


async def test_every_answer_names_its_request(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/messages", content=b"", headers=XML)
    assert answer.json()["instance"] == f"urn:uuid:{answer.headers['request-id']}"
    assert orjson.loads(answer.content)["instance"].startswith("urn:uuid:")
