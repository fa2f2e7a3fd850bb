"""`python -m gateway.docs`: writes the reference pages, or with --check says which are not up to date."""

import json
import re
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import click

from codes.reference import render as render_codes
from gateway.docs.commands import render_commands
from gateway.docs.gaming import render_events
from gateway.docs.http import openapi, render_http
from gateway.docs.topics import asyncapi, render_topics
from validators.reference import render_findings

PACKAGE = "fma-gateway"
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def pages() -> dict[str, str]:
    """The pages that come from code and data, by their path below `docs`."""
    document = openapi()
    return {
        "reference/codes.md": render_codes(),
        "reference/command-line.md": render_commands(),
        "reference/findings.md": render_findings(),
        "reference/gaming-events.md": render_events(),
        "reference/http.md": render_http(document),
        "reference/openapi.json": _json(document),
        "reference/topics.md": render_topics(),
        "reference/asyncapi.json": _json(asyncapi(version(PACKAGE))),
    }


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit status 1 when a page or a link is not right.")
@click.option("--root", type=click.Path(path_type=Path), default=Path(), help="The project's root.")
def main(check: bool, root: Path) -> None:  # noqa: FBT001 - click names it on the command line
    """Writes the reference pages below ROOT/docs."""
    faults = []
    for name, text in pages().items():
        path = root / "docs" / name
        if check and (not path.exists() or path.read_text(encoding="utf-8") != text):
            faults.append(f"{path} is not up to date; run: make docs")
        elif not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            click.echo(f"wrote {path}")
    faults += broken_links(root)
    for fault in faults:
        click.echo(fault, err=True)
    sys.exit(1 if faults else 0)


def broken_links(root: Path) -> Iterator[str]:
    """Every link of a page that leads to no file."""
    for page in (root / "README.md", *sorted((root / "docs").rglob("*.md"))):
        for target in LINK.findall(page.read_text(encoding="utf-8")):
            if not (page.parent / target).exists():
                yield f"{page}: the link to {target} leads nowhere"


def _json(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    main()
