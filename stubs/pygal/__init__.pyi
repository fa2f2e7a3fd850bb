from collections.abc import Callable, Sequence
from typing import Any

from pygal.style import Style

class HorizontalBar:
    title: str
    x_labels: Sequence[str]
    value_formatter: Callable[[float], str]
    def __init__(self, *, style: Style = ..., **options: Any) -> None: ...
    def add(self, title: str, values: Sequence[float | None]) -> None: ...
    def render(self, *, is_unicode: bool = ..., **options: Any) -> str: ...
