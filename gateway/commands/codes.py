"""`gateway codes`: what the code tables hold, by edition and by day."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

import click

from codes import views
from codes.editions import CodesError, Edition, UnknownEdition, UnknownTable, load_codebook
from codes.manifest import LANGUAGES, Language
from codes.tables import Code, CodeTable

LEGAL_TIME = ZoneInfo("Asia/Almaty")
NOT_FOUND, USAGE = 1, 2

TEXTS: dict[str, dict[Language, str]] = {
    "closed": {
        "kk": "{edition} редакциясы: {since} бастап {until} дейін қолданылады; дайджест {digest}",
        "ru": "Редакция {edition}: действует с {since} до {until}; дайджест {digest}",
        "en": "Edition {edition}: in force from {since} until before {until}; digest {digest}",
    },
    "open": {
        "kk": "{edition} редакциясы: {since} бастап, келесі редакция жүктелгенше мерзімсіз; дайджест {digest}",
        "ru": "Редакция {edition}: действует с {since} бессрочно, до загрузки следующей; дайджест {digest}",
        "en": "Edition {edition}: in force from {since}, open-ended until a later one is loaded; digest {digest}",
    },
    "before": {
        "kk": "{on} күні ең алғашқы белгілі редакциядан бұрын: сол редакция қолданылады.",
        "ru": "{on} раньше первой известной редакции: применяется она.",
        "en": "{on} is before the first known edition: that one is used.",
    },
    "unknown-edition": {
        "kk": "{name} редакциясы жоқ; белгілілері: {known}",
        "ru": "нет редакции {name}; известны: {known}",
        "en": "there is no edition {name}; known are: {known}",
    },
    "unknown-table": {
        "kk": "{edition} редакциясында {name} кестесі жоқ; бар кестелер: {known}",
        "ru": "в редакции {edition} нет таблицы {name}; есть: {known}",
        "en": "edition {edition} has no table {name}; it has: {known}",
    },
    "complete": {"kk": "толық", "ru": "полная", "en": "complete"},
    "partly": {"kk": "ішінара толық", "ru": "полная частично", "en": "complete in part"},
    "incomplete": {"kk": "толық емес", "ru": "неполная", "en": "not complete"},
    "source": {"kk": "дереккөз", "ru": "источник", "en": "source"},
    "nameless": {"kk": "(атауы белгісіз)", "ru": "(название неизвестно)", "en": "(name not known)"},
    "not-found": {
        "kk": "{table} кестесінде (редакция {edition}) {code} коды {on} күні жоқ.",
        "ru": "В таблице {table} (редакция {edition}) нет кода {code} на {on}.",
        "en": "Table {table} (edition {edition}) has no code {code} on {on}.",
    },
    "look-alike": {
        "kk": "Бәлкім, {codes}: кодтар жол ретінде салыстырылады, бастапқы нөлдер маңызды.",
        "ru": "Возможно, {codes}: коды сравниваются как строки, ведущие нули значимы.",
        "en": "Perhaps {codes} is meant: codes are compared as strings, leading zeros matter.",
    },
    "unverifiable": {
        "kk": "Кесте толық емес: кодтың жоқтығын тексеру мүмкін емес, бұл тек ескерту.",
        "ru": "Таблица неполная: отсутствие кода проверить нельзя, это лишь предупреждение.",
        "en": "The table is not complete: nobody can tell that the code does not exist; only a warning.",
    },
    "parts": {
        "kk": "{table} кестесінің коды {count} бөліктен тұрады: {key}. Барлығын ретімен жазыңыз.",
        "ru": "Код таблицы {table} состоит из частей ({count}): {key}. Назовите все по порядку.",
        "en": "A code of {table} has {count} part(s): {key}. Give them all, in that order.",
    },
}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the options say: the edition, the day, the language, and whether JSON is wanted.

    `further` are the editions of the other families on that day, none where an edition was named.
    """

    edition: Edition
    on: date
    lang: Language | None
    as_json: bool
    further: tuple[Edition, ...] = ()

    def say(self, text: str, **parameters: object) -> str:
        return say(text, self.lang, **parameters)


def say(text: str, lang: Language | None, **parameters: object) -> str:
    """That text in that language, in English without one."""
    return TEXTS[text][lang or "en"].format(**parameters)


def asked(edition: str | None, on: datetime | None, lang: Language | None, *, as_json: bool, table: str = "") -> Asked:
    """The options, the edition looked up; the day is today in Kazakhstan, or the edition's first, unless named.

    Without a name the edition is that of the family which has the table.
    """
    try:
        book = load_codebook()
        named = book.edition(edition) if edition else None
    except UnknownEdition as error:
        refuse(say(error.code, lang, name=error.name, known=", ".join(error.known)))
    except CodesError as error:
        refuse(str(error))
    day = on.date() if on else datetime.now(LEGAL_TIME).date()
    if named is not None and on is None and not named.valid_on(day):
        day = named.valid_from
    if named is not None:
        return Asked(named, day, lang, as_json)
    chosen = book.holding(table, day)
    further = tuple(book.on(day, family) for family in book.families if family != chosen.family)
    return Asked(chosen, day, lang, as_json, further)


def refuse(message: str) -> NoReturn:
    """Says what is wrong on standard error and ends with status 2."""
    click.echo(f"gateway codes: {message}", err=True)
    raise SystemExit(USAGE)


def options(command: click.Command) -> click.Command:
    """The options that every command of the group takes."""
    shared = (
        click.Option(
            ["--on"],
            type=click.DateTime(["%Y-%m-%d"]),
            metavar="YYYY-MM-DD",
            help="The day that is asked about; chooses the edition unless --edition does. Today by default.",
        ),
        click.Option(["--edition"], metavar="NAME", help="An edition by its name, such as 2025-07-10."),
        click.Option(["--json", "as_json"], is_flag=True, help="One JSON document instead of text."),
        click.Option(
            ["--lang"],
            type=click.Choice(LANGUAGES),
            help="Language of names and messages; text is in en by default, JSON then has all three.",
        ),
    )
    command.params.extend(shared)
    return command


@click.group()
def codes() -> None:
    """The code tables of every family: which there are, what they hold, what a code means.

    Each text carries its provenance: official (read in the act), predecessor (in an earlier act), observed (in
    others' software or data), proposed (ours). Exit status: 0 found, 1 code not found, 2 usage or a damaged table.
    """


@options
@codes.command("list")
def list_tables(edition: str | None, on: datetime | None, lang: Language | None, *, as_json: bool) -> None:
    """The tables of an edition, or of each family's edition of the day, and whether they are complete.

    With --json the other families' editions stand under `further`.
    """
    question = asked(edition, on, lang, as_json=as_json)
    if as_json:
        chosen, *further = (
            views.edition_view(one) | {"tables": views.tables_of_view(one, lang)}
            for one in (question.edition, *question.further)
        )
        _print_json(chosen | ({"further": further} if further else {}))
        return
    for one in (question.edition, *question.further):
        _list_edition(replace(question, edition=one))


def _list_edition(question: Asked) -> None:
    click.echo(_edition_line(question))
    rows = [
        (
            table.name,
            str(len(table)),
            _completeness(question, table),
            f"[{table.provenance}]",
            table.manifest.title[question.lang or "en"],
        )
        for table in question.edition.tables.values()
    ]
    for line in _aligned(rows):
        click.echo(line)


@options
@codes.command("show")
@click.argument("table")
def show_table(table: str, edition: str | None, on: datetime | None, lang: Language | None, *, as_json: bool) -> None:
    """All the entries of TABLE, in the order of the act.

    Each line has the code, its name and provenance, and the further columns.
    """
    question = asked(edition, on, lang, as_json=as_json, table=table)
    found = _table(question, table)
    if as_json:
        _print_json(views.table_view(found, lang, on=question.on))
        return
    click.echo(_edition_line(question))
    click.echo(f"{found.name}: {found.manifest.title[lang or 'en']} ({_completeness(question, found)})")
    click.echo(f"{question.say('source')}: {found.manifest.source}")
    for entry in found.under(on=question.on):
        view = views.entry_view(found, entry, lang or "en")
        click.echo("\t".join((entry.code, _named(question, found, view), *_attributes(view))))


@options
@codes.command("lookup")
@click.argument("table")
@click.argument("code", nargs=-1, required=True)
def lookup_code(
    table: str,
    code: tuple[str, ...],
    edition: str | None,
    on: datetime | None,
    lang: Language | None,
    *,
    as_json: bool,
) -> None:
    """What CODE of TABLE means, on a day.

    A table whose key has several columns takes as many parts: `gateway codes lookup form_values 1.5 2`.
    """
    question = asked(edition, on, lang, as_json=as_json, table=table)
    found = _table(question, table)
    if len(code) != len(found.key):
        key = ", ".join(found.key)
        refuse(question.say("parts", table=table, count=len(found.key), key=key))
    entry = found.get(code[0] if len(code) == 1 else code, question.on)
    if entry is None:
        _not_found(question, found, code)
    if as_json:
        _print_json(views.entry_view(found, entry, lang))
        return
    view = views.entry_view(found, entry, lang or "en")
    click.echo(f"{entry.code}  {_named(question, found, view)}")
    for line in _attributes(view):
        click.echo(f"  {line}")
    click.echo(f"  {_edition_line(question)}")


def _table(question: Asked, name: str) -> CodeTable:
    try:
        return question.edition.table(name)
    except UnknownTable as error:
        known = ", ".join(error.known)
        refuse(question.say(error.code, name=error.name, edition=error.edition, known=known))


def _not_found(question: Asked, table: CodeTable, code: tuple[str, ...]) -> NoReturn:
    """Says that there is no such code, and what may be meant; ends with status 1."""
    asked_for: Code = code[0] if len(code) == 1 else code
    alike = table.look_alikes(asked_for)
    complete = table.complete_for(code[0])
    said = [
        question.say("not-found", table=table.name, edition=question.edition.name, code=" ".join(code), on=question.on)
    ]
    if alike:
        said.append(question.say("look-alike", codes=", ".join(alike)))
    if not complete:
        said.append(question.say("unverifiable"))
    if question.as_json:
        nothing = {"table": table.name, "edition": table.edition, "digest": table.digest}
        facts = {"code": " ".join(code), "found": False, "complete": complete, "look_alikes": list(alike)}
        _print_json(nothing | facts | {"message": " ".join(said)})
    else:
        click.echo("\n".join(said), err=True)
    raise SystemExit(NOT_FOUND)


def _edition_line(question: Asked) -> str:
    edition = question.edition
    line = question.say(
        "open" if edition.open_ended else "closed",
        edition=edition.name,
        since=edition.valid_from,
        until=edition.valid_to,
        digest=edition.digest,
    )
    early = question.on < edition.valid_from
    return f"{line}. {question.say('before', on=question.on)}" if early else line


def _completeness(question: Asked, table: CodeTable) -> str:
    if table.manifest.except_for:
        return question.say("partly")
    return question.say("complete" if table.complete else "incomplete")


def _named(question: Asked, table: CodeTable, view: dict[str, Any]) -> str:
    """The name and the provenance of the entry, with the name's own mark where it was read elsewhere."""
    column = table.manifest.names.get(question.lang or "en")
    name = view["name"] or (question.say("nameless") if table.manifest.names else "")
    mark = view["column_provenance"].get(column)
    own = f"; {column}: {mark}" if mark and view["name"] else ""
    return f"{name} [{view['provenance']}{own}]".strip()


def _attributes(view: dict[str, Any]) -> Iterator[str]:
    for column, value in view["attributes"].items():
        if value:
            mark = view["column_provenance"].get(column)
            yield f"{column}: {value}" + (f" [{mark}]" if mark else "")
    for column in ("valid_from", "valid_to"):
        if view[column]:
            yield f"{column}: {view[column]}"


def _aligned(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """The rows as lines, all columns but the last padded to the widest cell."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    for row in rows:
        padded = [cell.ljust(width) for cell, width in zip(row, widths, strict=False)]
        yield "  ".join((*padded, row[-1]))


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))
