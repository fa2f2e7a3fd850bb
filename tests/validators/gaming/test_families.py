"""Families stand side by side: each message finds its own, and a new one is data and one module."""

import shutil
import sys
from datetime import date
from pathlib import Path
from types import ModuleType

import pytest
from lxml import etree

from codes.editions import CodeBook, Edition
from tests.support.fm1 import Case, clean, findings
from tests.support.gaming import GamingCase, example
from validators.blocks import Blocks
from validators.gaming.complexes import complex_id_of
from validators.gaming.messages import MESSAGES
from validators.model import Circumstances, Judgement, Verdict
from validators.profiles import Profile, ProfileBook, ProfileDamaged, Told
from validators.schemas import schema_root

THIRD = "third-family"


def test_the_project_has_every_family_and_fm1_answers_for_the_rest() -> None:
    book = ProfileBook.load()
    assert [family.name for family in book.families] == ["gaming", "luxury", "precious-metals", "fm1"]
    assert {profile.family for profile in book.profiles} == {"gaming", "luxury", "precious-metals", "fm1"}
    with pytest.raises(LookupError, match="tobacco"):
        book.family("tobacco")


@pytest.mark.parametrize("message_type", MESSAGES)
def test_a_gaming_message_is_told_by_its_block(message_type: str) -> None:
    judgement = GamingCase(example(message_type)).judge()
    assert (judgement.family, judgement.message_type) == ("gaming", message_type)
    assert judgement.edition == "2026-01-01"
    assert judgement.verdict is Verdict.ACCEPTED
    assert judgement.key == complex_id_of(example(message_type)) == "ALA-CASINO-1"
    assert judgement.codes_digest == ProfileBook.load().family("gaming").first.codes.digest
    assert judgement.event_type.startswith("kz.fma.gaming.")


def test_the_documents_of_both_families_are_told_apart() -> None:
    assert Case(clean()).judge().family == "fm1"
    assert Case(clean()).change("add //Root = <GamingBatch/>").judge().family == "fm1"
    assert Case(clean()).change("empty //Root ; add //Root = <Surprise/>").judge().message_type == "unknown"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ("set //ComplexId = ala-1", None),
        ("delete //ComplexId", None),
        ("rename //GamingBatch = Surprise", None),
        ("set //ComplexId = A-1", "A-1"),
        ('set //ComplexId = "A-1 "', None),
    ],
)
def test_the_named_complex_is_read_only_where_it_is_one(changed: str, expected: str | None) -> None:
    assert complex_id_of(GamingCase(example("GamingBatch")).change(changed).root) == expected


class Third(Blocks):
    """A family of the test's own."""

    def day_of(self, _root: etree._Element, circumstances: Circumstances) -> date:
        return circumstances.received_at.date()

    def rules(self, _codes: Edition, _parameters: Path, _book: CodeBook) -> "Third":
        return self

    def judge(self, profile: Profile, told: Told, _circumstances: Circumstances) -> Judgement:
        topic = profile.routing.topic(told.message_type)
        return Judgement(Verdict.ACCEPTED, (), profile.family, told.message_type, profile.edition, "", topic)


def _book(tmp_path: Path) -> ProfileBook:
    for family in ("fm1", "gaming"):
        shutil.copytree(schema_root() / family, tmp_path / family)
    folder = tmp_path / THIRD / "2026-01-01"
    shutil.copytree(schema_root() / "gaming" / "2026-01-01", folder)
    manifest = (folder / "manifest.toml").read_text("utf-8").replace('family = "gaming"', f'family = "{THIRD}"')
    manifest = manifest.replace('["GamingBatch", "EndOfDay", "ComplexRegistration", "ChainRepair"]', '["ThirdReport"]')
    (folder / "manifest.toml").write_text(manifest, "utf-8")
    (folder / "EndOfDay.xsd").rename(folder / "ThirdReport.xsd")
    return ProfileBook.load(schemas=tmp_path)


def test_a_third_family_is_data_and_one_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("validators.third_family.family")
    module.FAMILY = Third(["ThirdReport"])  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "validators.third_family", ModuleType("validators.third_family"))
    monkeypatch.setitem(sys.modules, module.__name__, module)
    book = _book(tmp_path)
    root = GamingCase(example("EndOfDay")).change("rename //EndOfDay = ThirdReport").root
    judgement = GamingCase(root, profiles=book).judge()
    assert (judgement.family, judgement.message_type, judgement.edition) == (THIRD, "ThirdReport", "2026-01-01")
    assert Case(clean(), profiles=book).judge().family == "fm1"
    assert findings(GamingCase(example("GamingBatch"), profiles=book).judge()) == []


def test_a_family_that_nobody_judges_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(ProfileDamaged, match=THIRD):
        _book(tmp_path)
