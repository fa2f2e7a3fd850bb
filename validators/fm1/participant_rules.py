"""Rules over the fields of one participant; places are below `Participant` (or below the address)."""

from collections.abc import Sequence

from validators.faults import Breach
from validators.fm1.reading import Content, Setting
from validators.identifiers import IdentifierProblem, birth_dates, has_identifier_form, identifier_problem
from validators.values import is_number, is_usual_postcode, read_date

HOME = "KZ"
_EMPTY: Content = {}
BRANCH_FIELD = "4.5"
_BRANCHES_WITH_BIRTH = ("AdditionalInformationAc", "AdditionalInformationIp")


def section(content: Content, name: str) -> Content:
    """The block of that name, empty where there is none."""
    below: Content = content.get(name, _EMPTY)
    return below


def identifier_of_resident(participant: Content, _: Setting) -> Sequence[Breach]:
    """A resident's IIN or BIN has twelve digits and the right check digit."""
    value = participant.get("IndividualIssue")
    if value is None or participant.get("Residence") != HOME:
        return ()
    problem = identifier_problem(value)
    if problem is None:
        return ()
    return (Breach("IDN-001" if problem is IdentifierProblem.FORM else "IDN-002", "IndividualIssue", value),)


def birth_in_identifier(participant: Content, _: Setting) -> Sequence[Breach]:
    """The day of birth in a resident's IIN is the day of birth given."""
    value = participant.get("IndividualIssue")
    if value is None or participant.get("Residence") != HOME or not has_identifier_form(value):
        return ()
    breaches = []
    branches = section(participant, "AdditionalPersonInfo")
    for branch in _BRANCHES_WITH_BIRTH:
        given = section(branches, branch).get("DateBirth")
        born = read_date(given)
        if born is None:
            continue
        meant = birth_dates(value)
        if born not in meant and identifier_problem(value) is None:
            told = " / ".join(f"{day:%d.%m.%Y}" for day in sorted(meant)) or value[:6]
            place = f"AdditionalPersonInfo/{branch}/DateBirth"
            breaches.append(Breach("IDN-003", place, given, {"iin_date": told}))
    return breaches


def branch_follows_type(participant: Content, setting: Setting) -> Sequence[Breach]:
    """The branch is the one that the participant's type asks for; what is no number is left to the schema."""
    kind = participant.get("ParticipantsType", "")
    branches = section(participant, "AdditionalPersonInfo")
    if not is_number(kind) or not branches:
        return ()
    known = setting.parameters.branches
    given = [tag for tag in branches if tag in known.values()]
    expected = known.get(kind)
    if given and expected is None:
        parameters = {"type": kind, "given": ", ".join(given)}
        return (Breach("RUL-004", "AdditionalPersonInfo", kind, parameters, BRANCH_FIELD),)
    return [
        Breach(
            "RUL-003",
            f"AdditionalPersonInfo/{wrong}",
            kind,
            {"type": kind, "expected": str(expected), "given": wrong},
            BRANCH_FIELD,
        )
        for wrong in given
        if wrong != expected
    ]


def postal_code_of_address(address: Content, _: Setting) -> Sequence[Breach]:
    """The postal code has the usual form of the address's country, or is not given."""
    value = address.get("PostalCode", "").strip()
    if not value or is_usual_postcode(value, address.get("Country")):
        return ()
    return (Breach("FRM-003", "PostalCode", value),)


RULES = (identifier_of_resident, birth_in_identifier, branch_follows_type)
