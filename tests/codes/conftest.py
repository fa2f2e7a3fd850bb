"""A folder of editions that a test may change and damage."""

import re
import shutil
from importlib.resources import files
from pathlib import Path

import pytest

from codes.editions import CodeBook, load_codebook
from codes.manifest import sha256_of

OWN = Path(str(files("codes"))) / "data"
FIRST = "2025-07-10"


class Editions:
    """A copy of the project's editions below a directory of the test's own."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def load(self) -> CodeBook:
        return load_codebook(self.root)

    def file(self, name: str, edition: str = FIRST) -> Path:
        return self.root / edition / name

    def add(self, name: str, valid_from: str) -> None:
        """A later edition with the tables of the first: a folder of data and nothing else."""
        shutil.copytree(self.root / FIRST, self.root / name)
        self.replace("manifest.toml", f'name = "{FIRST}"', f'name = "{name}"', name)
        self.replace("manifest.toml", f"valid_from = {FIRST}", f"valid_from = {valid_from}", name)

    def close(self, edition: str, valid_to: str) -> None:
        self.replace("manifest.toml", "\nsource = ", f"\nvalid_to = {valid_to}\nsource = ", edition)

    def replace(self, name: str, old: str, new: str, edition: str = FIRST) -> None:
        """Changes the first place where `old` stands in a file, and nothing else."""
        file = self.file(name, edition)
        text = file.read_bytes()
        assert old.encode() in text
        file.write_bytes(text.replace(old.encode(), new.encode(), 1))

    def promise(self, table: str, edition: str = FIRST, *, rows: bool = True) -> None:
        """Makes the manifest promise what the table's file now holds."""
        raw = self.file(f"{table}.tsv", edition).read_bytes()
        manifest = self.file("manifest.toml", edition)
        before, heading, after = manifest.read_text("utf-8").partition(f"[tables.{table}]")
        after = re.sub(r'sha256 = "\w+"', f'sha256 = "{sha256_of(raw)}"', after, count=1)
        if rows:
            count = raw.rstrip(b"\n").count(b"\n")
            after = re.sub(r"rows = \d+", f"rows = {count}", after, count=1)
        manifest.write_text(before + heading + after, "utf-8")

    def rewrite(self, table: str, old: str, new: str, edition: str = FIRST) -> None:
        """Changes a table and promises the change."""
        self.replace(f"{table}.tsv", old, new, edition)
        self.promise(table, edition)


@pytest.fixture
def editions(tmp_path: Path) -> Editions:
    """The project's edition of Order No. 13, copied."""
    shutil.copytree(OWN / FIRST, tmp_path / "data" / FIRST)
    return Editions(tmp_path / "data")


@pytest.fixture(scope="session")
def book() -> CodeBook:
    """The project's own code tables."""
    return load_codebook()
