"""Which texts are regular, and that nothing else is told of a message whose text is."""

import random
from datetime import UTC, datetime

import pytest
from lxml import etree

from tests.validators.test_differential import LEAST, NOTICE, mutated
from validators.judge import judge
from validators.model import Circumstances
from validators.parsing import ParsedMessage, parse
from validators.profiles import ProfileBook
from validators.regular import MOST_TAGS
from validators.structure import LARGE

AT = Circumstances(datetime(2026, 11, 22, 12, 0, tzinfo=UTC), "011")


@pytest.mark.parametrize(
    "text",
    [
        "<Root/>",
        "<Root />",
        "<Root><Code>1</Code></Root>",
        '<Root Code="1"><Code Code="ә\'"/>\n</Root>',
        '<?xml version="1.0" ?>\n<Root>!?</Root>',
    ],
)
def test_tags_and_letters_alone_are_regular(text: str) -> None:
    assert parse(text.encode()).regular == text.encode()
    assert parse(text.encode("utf-16")).regular == text.encode()


@pytest.mark.parametrize(
    "text",
    [
        "<Root>&amp;</Root>",
        "<Root>&#65;</Root>",
        "<Root Code='1'/>",
        '<Root Code="&gt;"/>',
        '<Root Code=">"/>',
        "<Root>></Root>",
        "<Root>`</Root>",
        '<Root Code="`"/>',
        "<Root><![CDATA[1]]></Root>",
        "<Root ></Root>",
        "<Root  />",
        '<Root  Code="1"/>',
        '<Root\nCode="1"/>',
        '<Root Code ="1"/>',
        '<Root Code= "1"/>',
        '<Root Code="1"  />',
        '<Root Code="1" ></Root>',
        '<Root Code="1\n2"/>',
        '<Root Code="1\t2"/>',
        '<Root Code="1" IsAc="True"/>',
        '<Root xmlns="urn:x"/>',
        '<Root xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:nil="1"/>',
        '<Root xml:space="preserve"/>',
        "<Foreign/>",
    ],
)
def test_what_is_written_in_any_other_way_is_not_regular_however_often_it_comes(text: str) -> None:
    assert [parse(text.encode()).regular for _ in range(3)] == [None] * 3


def test_a_text_of_very_many_tags_is_not_regular() -> None:
    assert parse(b"<Root>" + b"<Code/>" * (MOST_TAGS - 2) + b"</Root>").regular is not None
    assert parse(b"<Root>" + b"<Code/>" * (MOST_TAGS - 1) + b"</Root>").regular is None
    assert MOST_TAGS <= LARGE


def test_the_verdict_on_a_regular_text_is_that_on_its_tree_alone() -> None:
    """Over mutated messages: the same verdict and the same findings, whether or not the text is looked at."""
    profiles, met = ProfileBook.load(), 0
    for seed in range(120):
        chance = random.Random(seed)
        base = etree.fromstring(chance.choice([LEAST, LEAST, NOTICE]))
        message = parse(etree.tostring(mutated(chance, base) if seed else base, encoding="utf-8"))
        assert judge(message, AT, profiles) == judge(ParsedMessage(message.root, message.encoding), AT, profiles)
        met += message.regular is not None
    assert met > 40
