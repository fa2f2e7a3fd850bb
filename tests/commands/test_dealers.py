"""Which months `gateway dealers silent` speaks of."""

from datetime import datetime

import pytest
from click.testing import CliRunner

from gateway.commands.dealers import silent
from validators.values import LEGAL_ZONE


@pytest.mark.parametrize("period", ["0001-01", "1999-12", f"{datetime.now(LEGAL_ZONE).year + 1}-12", "9999-12"])
def test_nobody_is_called_silent_about_a_month_that_has_not_begun(period: str) -> None:
    result = CliRunner().invoke(silent, ["--period", period])
    assert result.exit_code == 2, result.output
    assert "has begun" in result.output
