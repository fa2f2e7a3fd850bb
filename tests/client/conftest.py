from collections.abc import Iterator

import pytest

from tests.client.kit import FakeGateway


@pytest.fixture
def fake() -> Iterator[FakeGateway]:
    with FakeGateway().serving() as gateway:
        yield gateway
