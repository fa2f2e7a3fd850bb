"""The page of the command line, from the commands themselves."""

from collections.abc import Iterator

import click

from gateway.__main__ import main

INTRODUCTION = """# Command line

`gateway COMMAND --help` says the same. Every command that talks to a machine has `--json`. Exit status 0 is success;
2 is wrong usage or a setting that is missing; other values are named with the command.
"""


def render_commands() -> str:
    """The Markdown of `docs/reference/command-line.md`."""
    context = click.Context(main, info_name="gateway")
    return "\n".join([INTRODUCTION, *_tell(main, context)])


def _tell(command: click.Command, context: click.Context) -> Iterator[str]:
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            if below is not None and not below.hidden:
                yield from _tell(below, click.Context(below, info_name=name, parent=context))
        return
    yield f"## `{context.command_path}`\n"
    yield f"{_paragraphs(command.help or '')}\n"
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"```\n{context.command_path} {usage}\n```\n"
    rows = [_row(parameter, context) for parameter in command.params if isinstance(parameter, click.Option)]
    shown = [row for row in rows if row]
    if shown:
        yield "| option | meaning |\n|---|---|"
        yield from shown
        yield ""


def _row(option: click.Option, context: click.Context) -> str:
    record = option.get_help_record(context)
    if record is None:
        return ""
    names, meaning = record
    return f"| `{names.replace('|', chr(92) + '|')}` | {meaning.replace('|', chr(92) + '|')} |"


def _paragraphs(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))
