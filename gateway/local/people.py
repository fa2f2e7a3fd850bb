"""Made-up people and firms of Kazakhstan with identifiers that pass their checks, drawn from a seeded source."""

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from validators.identifiers import check_digit, iban_check_digits

SURNAMES = ("Әбдіров", "Ғабитов", "Қасымов", "Нұрланов", "Өтегенов", "Үсенов", "Іскендіров", "Садықов", "Жұмабаев")
MEN = ("Ерлан", "Бауыржан", "Нұрсұлтан", "Қайрат", "Дәурен", "Ғалым", "Өмірбек", "Іскендір")
WOMEN = ("Әсем", "Айгүл", "Гүлнәр", "Жұлдыз", "Қарлығаш", "Үміт", "Динара", "Сәуле")
FATHERS = ("Нұрлан", "Қайрат", "Ғалым", "Марат", "Серік", "Өмірбек")
PLACES = ("г. Қызылорда", "г. Шымкент", "г. Өскемен", "г. Ақтөбе", "с. Үшарал", "г. Көкшетау")
FIRMS = ("ТОО Ақ Жол Трейд", "ТОО Көктем Құрылыс", "ТОО Өрлеу Инвест", "АО Ұлы Дала", "ТОО Жібек Логистика")
ADULT_DAYS = 22 * 366
OLDEST_DAYS = 75 * 365
CENTURY_DIGITS = {19: 3, 20: 5}
RESIDENT_LEGAL = 4


@dataclass(frozen=True, slots=True)
class Person:
    """A natural person: names in the nominative, day of birth, and the IIN that fits it."""

    surname: str
    given: str
    patronymic: str
    born: date
    birthplace: str
    iin: str


@dataclass(frozen=True, slots=True)
class Firm:
    """A legal person: its name and BIN."""

    name: str
    bin: str


def make_person(random: Random, today: date) -> Person:
    """Somebody between 22 and 75 years old on that day."""
    woman = random.random() < 0.5  # noqa: PLR2004 - evens
    born = today - timedelta(days=random.randrange(ADULT_DAYS, OLDEST_DAYS))
    return Person(
        surname=random.choice(SURNAMES) + ("а" if woman else ""),
        given=random.choice(WOMEN if woman else MEN),
        patronymic=random.choice(FATHERS) + ("қызы" if woman else "ұлы"),
        born=born,
        birthplace=random.choice(PLACES),
        iin=make_iin(random, born, woman=woman),
    )


def make_firm(random: Random, today: date) -> Firm:
    """A resident firm registered in the last twenty years before that day."""
    return Firm(random.choice(FIRMS), make_bin(random, today))


def make_iin(random: Random, born: date, *, woman: bool) -> str:
    """An IIN for that day of birth in the 20th or 21st century, with the right check digit."""
    century = CENTURY_DIGITS[born.year // 100] + woman
    return _with_check_digit(random, f"{born:%y%m%d}{century}", 4)


def make_bin(random: Random, today: date) -> str:
    """The BIN of a resident legal person registered within the twenty years before that day."""
    registered = today - timedelta(days=random.randrange(400, 20 * 365))
    return _with_check_digit(random, f"{registered:%y%m}{RESIDENT_LEGAL}0", 5)


def make_account(random: Random, bank: str = "125") -> str:
    """A Kazakh IBAN with the right check digits; `bank` is the bank's 3-digit code."""
    account = f"{bank}KZT{random.randrange(10**10):010d}"
    return f"KZ{iban_check_digits(account)}{account}"


def _with_check_digit(random: Random, beginning: str, serial_length: int) -> str:
    while True:
        number = f"{beginning}{random.randrange(10**serial_length):0{serial_length}d}"
        digit = check_digit(number)
        if digit is not None:
            return f"{number}{digit}"
