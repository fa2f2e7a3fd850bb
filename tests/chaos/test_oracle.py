"""The oracle finds what it is there to find, in accounts that are made up."""

from dataclasses import replace

from chaos.oracle import Account, Answer, Item, Logged, Sent, Told, judge

KEY = "050140000017"


def account(count: int = 3) -> Account:
    made = Account()
    for number in range(1, count + 1):
        made.sent[f"d{number}"] = Sent(f"d{number}", KEY, (Item(f"d{number}", (f'"{number}.00"',)),))
        made.answers.append(Answer(f"d{number}", f"r{number}", f"jws{number}", float(number)))
    return made


def entries(count: int = 3) -> list[Logged]:
    return [Logged(number, f"d{number}", f"r{number}") for number in range(1, count + 1)]


def records(count: int = 3) -> list[Told]:
    return [record(number, offset=number) for number in range(1, count + 1)]


def record(number: int, offset: int) -> Told:
    digest = f"d{number}"
    return Told("t", 0, offset, KEY, digest, digest, f"r{number}", "valid", f'{{"amount":"{number}.00"}}')


def kinds(made: Account, logged: list[Logged], told: list[Told]) -> list[str]:
    return [wrong.kind for wrong in judge(made, logged, told)]


def test_nothing_is_wrong_where_all_that_was_answered_is_logged_and_told_once_in_order() -> None:
    assert judge(account(), entries(), records()) == []


def test_a_message_without_an_answer_may_be_there_or_not() -> None:
    made = account()
    made.sent["d4"] = Sent("d4", KEY, (Item("d4"),))

    assert judge(made, entries(), records()) == []
    assert judge(made, entries(4), records(4)) == []


def test_an_accepted_message_that_no_record_tells_is_lost() -> None:
    assert kinds(account(), entries(), records()[:2]) == ["lost"]


def test_an_accepted_message_that_is_not_in_the_log_is_lost_there() -> None:
    assert kinds(account(), entries()[:2], records()) == ["lost from the log"]


def test_a_record_that_stands_twice_is_doubled() -> None:
    assert kinds(account(), entries(), [*records(), record(3, offset=9)]) == ["doubled"]


def test_an_entry_that_stands_twice_is_doubled_in_the_log() -> None:
    assert kinds(account(), [*entries(), Logged(4, "d3", "r3")], records()) == ["doubled in the log"]


def test_an_altered_value_digest_key_or_receipt_is_found() -> None:
    good = record(3, offset=3)
    for bad in (
        replace(good, value='{"amount":"9.00"}'),
        replace(good, sha256="d9"),
        replace(good, key="123"),
        replace(good, receipt="r9"),
    ):
        assert kinds(account(), entries(), [*records()[:2], bad]) == ["altered"]


def test_a_seal_that_does_not_hold_is_found() -> None:
    assert kinds(account(), entries(), [*records()[:2], replace(record(3, 3), seal="signature")]) == ["seal"]


def test_a_record_of_something_that_nobody_sent_is_found() -> None:
    assert kinds(account(), entries(), [*records(), record(4, 4)]) == ["unknown"]


def test_an_entry_that_nobody_sent_is_found() -> None:
    assert kinds(account(), entries(4), records()) == ["unknown in the log"]


def test_records_of_a_key_out_of_the_order_of_sending_are_found() -> None:
    turned = [record(1, offset=1), record(2, offset=3), record(3, offset=2)]

    assert kinds(account(), entries(), turned) == ["order"]


def test_records_of_a_key_in_two_partitions_are_found() -> None:
    assert kinds(account(), entries(), [*records()[:2], replace(record(3, 3), partition=1)]) == ["order"]


def test_another_receipt_for_the_same_bytes_is_found() -> None:
    made = account()
    made.answers.append(Answer("d1", "r1", "another", 9.0))

    assert kinds(made, entries(), records()) == ["receipt changed"]


def test_a_receipt_that_the_log_does_not_have_is_found() -> None:
    assert kinds(account(), [replace(entries()[0], receipt="r9"), *entries()[1:]], records()) == [
        "receipt not in the log"
    ]


def test_an_honest_message_that_was_refused_is_found() -> None:
    made = account()
    made.refusals.append("d9: 422")

    assert kinds(made, entries(), records()) == ["refused"]


def test_events_that_an_agent_took_are_expected_once_in_order_and_its_own_are_let_be() -> None:
    made = account()
    made.taken["complex"] += [Item("e1"), Item("e2")]
    made.tolerated.add("complex")
    event = Told("g", 0, 1, "complex", "e1", "x", "y", "valid")
    second = replace(event, item="e2", offset=2)
    heartbeat = replace(event, item="own", offset=3)

    assert kinds(made, entries(), [*records(), event, second, heartbeat]) == []
    assert kinds(made, entries(), [*records(), event]) == ["lost"]
    assert kinds(made, entries(), [*records(), replace(event, offset=5), second]) == ["order"]
