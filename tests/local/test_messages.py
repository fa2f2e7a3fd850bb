import re
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.local.messages import DEFECTS, Reporter, Scenario, build_fm1, change, with_defect
from gateway.local.people import make_account, make_firm, make_person
from validators.identifiers import birth_dates, is_bin, is_iban, is_iin
from validators.judge import judge
from validators.model import Circumstances, Judgement, Severity, Verdict
from validators.parsing import parse
from validators.profiles import ProfileBook

NOW = datetime(2026, 11, 20, 10, 30, tzinfo=UTC)
REPORTERS = {
    Scenario.CASINO_WINNINGS: Reporter("230941821107", "093", "ТОО Казино Пример"),
    Scenario.JEWELLERY_PURCHASE: Reporter("140742906892", "150", "ИП Ювелир Пример"),
    Scenario.SUSPICIOUS_DEAL: Reporter("170141572457", "011", "АО Банк Пример"),
    Scenario.LIST_MATCH: Reporter("170141572457", "011", "АО Банк Пример"),
}
SAMPLES = Path(__file__).parents[1] / "samples"


def seeded(seed: int) -> Random:
    return Random(seed)


def built(scenario: Scenario, seed: int = 1) -> etree._Element:
    return build_fm1(scenario, REPORTERS[scenario], now=NOW, random=seeded(seed))


def judged(message: etree._Element, scenario: Scenario) -> Judgement:
    signature = message.find("SignedData/Signature")
    assert signature is not None
    signature.text = "AAAA"
    body = etree.tostring(message, encoding="UTF-16", xml_declaration=True)
    assert isinstance(body, bytes)
    return judge(parse(body), Circumstances(NOW, REPORTERS[scenario].kind), ProfileBook.load())


@pytest.mark.parametrize("scenario", list(Scenario))
@pytest.mark.parametrize("seed", range(10))
def test_every_scenario_is_accepted_without_errors(scenario: Scenario, seed: int) -> None:
    judgement = judged(built(scenario, seed), scenario)
    assert judgement.verdict.stands, judgement.findings


@pytest.mark.parametrize("scenario", [Scenario.CASINO_WINNINGS, Scenario.JEWELLERY_PURCHASE, Scenario.SUSPICIOUS_DEAL])
def test_what_nobody_doubts_is_accepted_without_a_warning(scenario: Scenario) -> None:
    assert judged(built(scenario), scenario).verdict is Verdict.ACCEPTED


@pytest.mark.parametrize("name", list(DEFECTS))
def test_each_defect_is_found_in_the_field_that_it_names(name: str) -> None:
    judgement = judged(with_defect(built(Scenario.CASINO_WINNINGS), name), Scenario.CASINO_WINNINGS)
    assert judgement.verdict is Verdict.REFUSED
    assert DEFECTS[name].field in {f.field for f in judgement.findings if f.severity is Severity.ERROR}


def test_the_same_seed_makes_the_same_message_and_another_one_another() -> None:
    first, again, other = (etree.tostring(built(Scenario.SUSPICIOUS_DEAL, seed)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_its_names_are_written_with_kazakh_letters() -> None:
    texts = " ".join(str(text) for seed in range(5) for text in built(Scenario.SUSPICIOUS_DEAL, seed).itertext())
    assert set("ӘәҒғҚқҢңӨөҰұҮүҺһІі") & set(texts) >= set("әғқөұүі")


def test_the_tags_stand_in_the_order_of_the_samples() -> None:
    sample = etree.parse(SAMPLES / "fm1-suspicious-bank-rsa.xml").getroot()
    ours, theirs = paths(built(Scenario.SUSPICIOUS_DEAL)), paths(sample)
    assert [path for path in ours if path in theirs] == [path for path in theirs if path in ours]
    assert {re.sub(r".*/", "", path) for path in set(theirs) - set(ours)} == {"MemberId"}


def paths(root: etree._Element) -> list[str]:
    return [root.getroottree().getpath(element) for element in root.iter("*")]


def test_changes_set_and_remove_elements_and_attributes() -> None:
    message = change(
        built(Scenario.CASINO_WINNINGS),
        {
            "MessageInformation/AmountCurrency": "5",
            "MessageInformation/EknpId": None,
            "MessageInformation/DescriptionDifficulties": "жоқ",
            "PersonalData/AdditionalAcData/@IsAc": "True",
            "PersonalData/OrganisationArea/@Code": None,
            "MessageInformation/NotThere": None,
        },
    )
    root = "SignedData/Data/Root/"
    assert message.findtext(root + "MessageInformation/AmountCurrency") == "5"
    assert message.find(root + "MessageInformation/EknpId") is None
    assert message.findtext(root + "MessageInformation/DescriptionDifficulties") == "жоқ"
    assert [dict(e.attrib) for e in message.iter("AdditionalAcData", "OrganisationArea")] == [{}, {"IsAc": "True"}]
    with pytest.raises(KeyError, match="References/Reference"):
        change(message, {"References/Reference/ReferenceId": "1"})


@given(st.integers(0, 2**32), st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_made_up_people_and_firms_pass_the_checks(seed: int, today: date) -> None:
    random = seeded(seed)
    person = make_person(random, today)
    assert is_iin(person.iin)
    assert person.born in birth_dates(person.iin)
    assert is_bin(make_firm(random, today).bin)
    assert is_iban(make_account(random))
