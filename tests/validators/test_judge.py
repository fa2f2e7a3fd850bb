import json
import time

from lxml import etree

from tests.support.fm1 import RECEIVED, ROOT, TESTS, Case, clean, findings, told
from validators.assembly import MAX_FINDINGS, named
from validators.judge import judge
from validators.model import Circumstances, Severity, Verdict
from validators.parsing import parse
from validators.paths import path_of
from validators.profiles import ProfileBook

SAMPLES = sorted((TESTS / "samples").glob("fm1-*.xml"))


def test_the_samples_stand() -> None:
    for sample in SAMPLES:
        judgement = judge(parse(sample.read_bytes()), Circumstances(RECEIVED), ProfileBook.load())
        assert judgement.verdict.stands, sample.name
        assert all(finding.severity is Severity.WARNING for finding in judgement.findings)


def test_a_judgement_names_what_was_judged_and_by_what() -> None:
    judgement = Case(clean()).judge()
    assert judgement.verdict is Verdict.ACCEPTED
    assert (judgement.family, judgement.message_type, judgement.edition) == ("fm1", "doc", "2025-07-10")
    assert judgement.codes_digest == ProfileBook.load().family("fm1").first.codes.digest
    assert judgement.document == "A16DF06D-9D30-447A-8CDE-63A5BEDB6867"
    assert judgement.version == "637647C4-5F42-459F-BE41-07503F52BB4F"


def test_topics_follow_the_reason_of_filing() -> None:
    topics = {
        reason: Case(clean()).change(f"set //ReasonFilingId = {reason}").judge().topic
        for reason in ("1", "4", "8", "77")
    }
    assert topics == {
        "1": "fma.fm1.threshold.v1",
        "4": "fma.fm1.list-match.v1",
        "8": "fma.fm1.other.v1",
        "77": "fma.fm1.other.v1",
    }
    assert Case(clean("bank")).judge().topic == "fma.fm1.suspicious.v1"


def test_a_refused_message_goes_to_the_rejections() -> None:
    judgement = Case(clean()).change("set //CurrencyCodeId = 000").judge()
    assert judgement.topic == "fma.rejections.v1"


def test_content_is_plain_data_without_the_signature() -> None:
    content = Case(clean("bank")).judge().content
    assert json.loads(json.dumps(dict(content))) == content
    assert "Signature" not in content
    root = content["Data"]["Root"]
    assert root["MessageInformation"]["EknpId"] == {"@IsEknpNotSetup": "False", "#text": "119"}
    assert root["PersonalData"]["OrganisationArea"] == {"@Code": "750000000", "#text": ""}
    assert len(root["Participants"]["Participant"]) == 2
    assert root["Participants"]["Participant"][1]["Founders"]["Founder"][0]["FounderType"] == "2"


def test_one_participant_is_a_list_too() -> None:
    root = Case(clean()).judge().content["Data"]["Root"]
    assert isinstance(root["Participants"]["Participant"], list)


def test_an_unknown_message_is_refused_by_its_kind_alone() -> None:
    notice = "empty //Root ; rename //Root = Check"
    guid = "<DocumentUniqueIdentifier>A16DF06D-9D30-447A-8CDE-63A5BEDB6867</DocumentUniqueIdentifier>"
    judgement = Case(clean()).change(f"{notice} ; add //Check = {guid}").judge()
    assert judgement.verdict is Verdict.REFUSED
    assert judgement.message_type == "Ack1"
    assert findings(judgement) == ["MSG-001 /ExportData/SignedData/Data"]
    assert judgement.document == "A16DF06D-9D30-447A-8CDE-63A5BEDB6867"
    assert judgement.content == {}


def test_malformed_guids_are_not_passed_on() -> None:
    judgement = Case(clean()).change("set //DocumentUniqueIdentifier = 1").judge()
    assert judgement.document is None


def test_findings_stand_in_document_order() -> None:
    changes = (
        "set //TransportType = x ; set //Receiver = X ; set //Residence = XX ; set //OrganisationCode = 999 ; "
        "delete //Version"
    )
    paths = [finding.path for finding in Case(clean("bank")).change(changes).judge().findings]
    assert paths == [
        "/ExportData/SignedData/Receiver",
        f"{ROOT}/Version",
        f"{ROOT}/PersonalData/OrganisationCode",
        f"{ROOT}/Participants/Participant[1]/Residence",
        f"{ROOT}/Participants/Participant[2]/Residence",
        f"{ROOT}/Participants/Participant[2]/Founders/Founder/Residence",
        "/ExportData/TransportType",
    ]


def test_every_element_is_named_as_its_own_path_names_it() -> None:
    root = Case(clean("bank")).change("copy //JobName = 2 ; rename //Phone = {urn:x}Phone").root
    assert named(root) == {element: path_of(element) for element in root.iter()}


def test_the_same_message_gets_the_same_judgement() -> None:
    case = Case(clean("bank")).change("set //Residence = XX ; set //CurrencyCodeId = 000")
    assert case.judge() == case.judge()


def test_encodings_make_no_difference() -> None:
    root = Case(clean()).change("set //CurrencyCodeId = 000").root
    utf8 = etree.tostring(root, encoding="UTF-8", xml_declaration=True)
    assert isinstance(utf8, bytes)
    by_utf8 = judge(parse(utf8), Circumstances(RECEIVED), ProfileBook.load())
    assert by_utf8 == Case(root).judge()


def test_so_many_findings_are_listed_at_most_and_errors_first() -> None:
    changes = f"set //PhoneNumber = нет ; copy //Participant = {MAX_FINDINGS + 9} ; set (//Residence)[last()] = XX"
    judgement = Case(clean()).change(changes).judge()
    assert len(judgement.findings) == MAX_FINDINGS + 1
    assert judgement.verdict is Verdict.REFUSED
    assert told(judgement.findings[-1]) == "MSG-005 /ExportData"
    codes = [finding.code for finding in judgement.findings]
    assert codes.count("RUL-006") == codes.count("COD-005") == 1


def test_ten_thousand_participants_are_judged_in_seconds() -> None:
    participant = (
        "<Participant><ParticipantsView>x</ParticipantsView><CorrespondentBank>"
        "<BankOffshoreAddr>Z</BankOffshoreAddr></CorrespondentBank></Participant>"
    )
    root = Case(clean()).change("empty //Participants").root
    participants = root.find(".//Participants")
    assert participants is not None
    participants.extend(etree.fromstring(participant) for _ in range(10_000))
    started = time.process_time()
    judgement = Case(root).judge()
    assert judgement.verdict is Verdict.REFUSED
    assert time.process_time() - started < 5


def test_without_an_enrolled_kind_its_rules_are_left_out() -> None:
    assert findings(Case(clean()).judge()) == []
    assert findings(Case(clean(), kind="094").judge()) == ["RUL-017 ~/PersonalData/OrganisationCode 2.1"]
