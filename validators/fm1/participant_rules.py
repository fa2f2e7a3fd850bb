"""Rules over the fields of one participant; places are below `Participant` (or below the address)."""

from collections.abc import Iterator

from validators.faults import Breach
from validators.fm1.reading import Content, Setting
from validators.identifiers import IdentifierProblem, birth_dates, has_identifier_form, identifier_problem
from validators.values import is_usual_postcode, read_date

HOME = "KZ"
BRANCH_FIELD = "4.5"
_BRANCHES_WITH_BIRTH = ("AdditionalInformationAc", "AdditionalInformationIp")


def section(content: Content, *names: str) -> Content:
    """The block below those names, empty where there is none."""
    for name in names:
        below = content.get(name)
        if not isinstance(below, dict):
            return {}
        content = below
    return content


def identifier_of_resident(participant: Content, _: Setting) -> Iterator[Breach]:
    """A resident's IIN or BIN has twelve digits and the right check digit."""
    value = participant.get("IndividualIssue")
    if value is None or participant.get("Residence") != HOME:
        return
    problem = identifier_problem(value)
    if problem is not None:
        code = "IDN-001" if problem is IdentifierProblem.FORM else "IDN-002"
        yield Breach(code, "IndividualIssue", value)


def birth_in_identifier(participant: Content, _: Setting) -> Iterator[Breach]:
    """The day of birth in a resident's IIN is the day of birth given."""
    value = participant.get("IndividualIssue")
    if value is None or participant.get("Residence") != HOME or not has_identifier_form(value):
        return
    branches = section(participant, "AdditionalPersonInfo")
    for branch in _BRANCHES_WITH_BIRTH:
        given = section(branches, branch).get("DateBirth")
        born = read_date(given)
        if born is None:
            continue
        meant = birth_dates(value)
        if born not in meant and identifier_problem(value) is None:
            told = " / ".join(f"{day:%d.%m.%Y}" for day in sorted(meant)) or value[:6]
            yield Breach("IDN-003", f"AdditionalPersonInfo/{branch}/DateBirth", given, {"iin_date": told})


def branch_follows_type(participant: Content, setting: Setting) -> Iterator[Breach]:
    """The branch is the one that the participant's type asks for."""
    kind = participant.get("ParticipantsType")
    known = setting.parameters.branches
    branches = section(participant, "AdditionalPersonInfo")
    given = [tag for tag in branches if tag in known.values()]
    if not kind or not given:
        return
    expected = known.get(kind)
    if expected is None:
        parameters = {"type": kind, "given": ", ".join(given)}
        yield Breach("RUL-004", "AdditionalPersonInfo", kind, parameters, BRANCH_FIELD)
        return
    for wrong in given:
        if wrong != expected:
            parameters = {"type": kind, "expected": expected, "given": wrong}
            yield Breach("RUL-003", f"AdditionalPersonInfo/{wrong}", kind, parameters, BRANCH_FIELD)


def postal_code_of_address(address: Content, _: Setting) -> Iterator[Breach]:
    """The postal code has the usual form of the address's country, or is not given."""
    value = address.get("PostalCode", "").strip()
    if value and not is_usual_postcode(value, address.get("Country")):
        yield Breach("FRM-003", "PostalCode", value)


RULES = (identifier_of_resident, birth_in_identifier, branch_follows_type)
