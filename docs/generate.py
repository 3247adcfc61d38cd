"""Generate the pages of the docs that are made from the code, so that they cannot go stale.

``python docs/generate.py`` writes them; with ``--check`` it writes nothing and fails where one differs.
"""

from __future__ import annotations

import argparse
import inspect
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command

from ptml.cli import app
from ptml.features.describe import features_page
from ptml.parse.describe import CAPTURE_ID
from ptml.parse.knownlogs import ADDED, LogField, zeek_logs
from ptml.schema import TABLES
from ptml.settings import PipelineSettings
from ptml.train.audit import CHECKS
from ptml.zeektypes import ATOMS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from ptml.parse.knownlogs import ZeekLog

ROOT = Path(__file__).resolve().parent.parent
NOTE = "<!-- Made by docs/generate.py: change the code and run `make docs`. -->"
ABOUT_TABLES = """What stages hand to each other, then the logs of Zeek; `ptml schema NAME` shows the same
on a terminal. Unset is null, never 0 or an empty text. Key columns are in bold."""
ABOUT_LOGS = """Logs keep Zeek's names. A log's own header says which fields it has and of which types. The
logs below are known, so that JSON, which names no types, is typed as well; other logs in JSON are typed by
their values, and the report says so. Logs of different versions unite by the names of their fields."""
BEGIN, END = "<!-- keys: made by docs/generate.py -->", "<!-- end of keys -->"


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the pages, or with ``--check`` compare them; the result is the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing; fail where a page is out of date"
    )
    check = parser.parse_args(arguments).check
    stale = {
        path: text for path, text in pages().items() if not path.exists() or path.read_text("utf-8") != text
    }
    for path, text in stale.items():
        if check:
            print(f"{path.relative_to(ROOT)} is out of date. Try: make docs", file=sys.stderr)
        else:
            path.write_text(text, "utf-8")
            print(f"wrote {path.relative_to(ROOT)}")
    return int(check and bool(stale))


def pages() -> dict[Path, str]:
    """Give every generated file with the text that it should have."""
    pipelines = ROOT / "pipelines" / "README.md"
    audit = ROOT / "docs" / "audit.md"
    return {
        audit: with_block(audit.read_text("utf-8"), audit_checks()),
        ROOT / "docs" / "cli.md": cli_page(),
        ROOT / "docs" / "features.md": f"{NOTE}\n\n{features_page().strip()}\n",
        ROOT / "docs" / "schema.md": schema_page(),
        pipelines: with_block(pipelines.read_text("utf-8"), keys_of_pipelines()),
    }


def cli_page() -> str:
    """Document every command and option."""
    chapters = [command_chapter(words, command) for words, command in commands(get_command(app), "ptml")]
    return "\n\n".join([NOTE, *chapters]) + "\n"


def commands(command: object, *words: str) -> Iterator[tuple[str, TyperCommand | TyperGroup]]:
    """Give a command and all below it, each with the words that call it."""
    assert isinstance(command, TyperCommand | TyperGroup)
    yield " ".join(words), command
    if isinstance(command, TyperGroup):
        for name, below in command.commands.items():
            yield from commands(below, *words, name)


def command_chapter(words: str, command: TyperCommand | TyperGroup) -> str:
    """Document one command: what it does, how it is called, what it takes."""
    context = typer.Context(command, info_name=words)
    usage = " ".join([words, *command.collect_usage_pieces(context)])
    records = (parameter.get_help_record(context) for parameter in command.get_params(context))
    rows = [(f"`{names}`", text) for names, text in filter(None, records)]
    level = "#" * len(words.split())
    parts = [f"{level} `{words}`", help_text(command.help or ""), f"```console\n$ {usage}\n```"]
    return "\n\n".join(
        [*parts, markdown_table(("takes", "meaning"), rows), help_text(command.epilog or "")]
    ).strip()


def help_text(text: str) -> str:
    r"""Turn a command's help into Markdown, its examples into code.

    >>> help_text("Do it.\n\nExamples:\n  ptml do\n  ptml do --twice").splitlines()
    ['Do it.', '', '```console', '$ ptml do', '$ ptml do --twice', '```']
    """
    # Typer's mark for "do not wrap what follows" means nothing here.
    lines, _, examples = inspect.cleandoc(text).replace("\b\n", "").partition("Examples:\n")
    calls = [f"$ {line.strip()}" for line in examples.splitlines()]
    return "\n".join([lines.strip(), *(["", "```console", *calls, "```"] if calls else [])])


def schema_page() -> str:
    """Document ptml's own tables, what Zeek's types become, and every known log."""
    parts = [NOTE, "# Tables and logs", ABOUT_TABLES]
    for table in TABLES:
        rows = [
            (
                f"**`{column.name}`**" if column.name in table.key else f"`{column.name}`",
                f"`{column.dtype}`",
                column.meaning,
            )
            for column in table.columns
        ]
        parts += [
            f"## {table.name}",
            sentence(table.meaning),
            markdown_table(("column", "type", "meaning"), rows),
        ]
    logs = zeek_logs().values()
    types = [(f"`{zeek}`", f"`{dtype}`") for zeek, dtype in ATOMS.items()]
    types.append(("`set[T]`, `vector[T]`, `table[T]`", "`List` of what T becomes"))
    parts += [
        "## Zeek logs",
        ABOUT_LOGS,
        markdown_table(("Zeek type", "column type"), types),
        "Any log may also have:",
        field_table((CAPTURE_ID, *ADDED)),
        markdown_table(("log", "meaning"), [(f"[`{log.name}`](#{log.name})", log.meaning) for log in logs]),
        *(part for log in logs for part in log_chapter(log)),
    ]
    return "\n\n".join(parts) + "\n"


def log_chapter(log: ZeekLog) -> Iterator[str]:
    """Document a log: what it is about, what writes it, its fields and those of other set-ups."""
    yield f"### {log.name}"
    yield f"{sentence(log.meaning)} Written by {log.source}."
    yield field_table(log.fields)
    if log.extra:
        yield "From other versions, scripts and packages:"
        yield field_table(log.extra)


def field_table(fields: Sequence[LogField]) -> str:
    """Document fields of a log in a table.

    >>> print(field_table([LogField("ts", "time", "when it happened")]))
    | field | type | meaning |
    | --- | --- | --- |
    | `ts` | `time` | when it happened |
    """
    sources = any(field.source for field in fields)
    header = ("field", "type", "meaning", *(["from"] if sources else []))
    rows = [
        (f"`{field.name}`", f"`{field.type}`", field.meaning, *([field.source or ""] if sources else []))
        for field in fields
    ]
    return markdown_table(header, rows)


def sentence(text: str) -> str:
    """Make a sentence of a meaning.

    >>> sentence("every connection")
    'Every connection.'
    """
    return f"{text[0].upper()}{text[1:]}."


def audit_checks() -> str:
    """Document every check of an audit."""
    rows = "\n".join(
        f"| `{check.name}` | **{check.title}.** {check.meaning} | {check.bounds} | {check.advice} |"
        for check in CHECKS
    )
    return f"| check | what it looks at, and why | light | what to do |\n| --- | --- | --- | --- |\n{rows}"


def keys_of_pipelines() -> str:
    """Document every key of a pipeline file, one table per section."""
    schema = PipelineSettings.model_json_schema()
    sections: Mapping[str, Any] = schema["$defs"]
    plain = {name: key for name, key in schema["properties"].items() if _section(key) is None}
    parts = [key_table(plain)]
    for name, key in schema["properties"].items():
        section = _section(key)
        if section is not None:
            parts += [
                f"### `[{name}]`",
                sections[section]["description"],
                key_table(sections[section]["properties"]),
            ]
    return "\n\n".join(parts)


def key_table(keys: Mapping[str, Any]) -> str:
    """Document keys, given as JSON Schema properties, in a table.

    >>> print(key_table({"jobs": {"type": "integer", "minimum": 0, "default": 0, "description": "workers"}}))
    | key | value | default | meaning |
    | --- | --- | --- | --- |
    | `jobs` | whole number, at least 0 | `0` | workers |
    """
    rows = [
        (
            f"`{name}`",
            value_text(key),
            f"`{toml(key['default'])}`" if key.get("default") is not None else "",
            key.get("description", ""),
        )
        for name, key in keys.items()
    ]
    return markdown_table(("key", "value", "default", "meaning"), rows)


def value_text(key: Mapping[str, Any]) -> str:
    """Say in words which values a JSON Schema property allows.

    >>> value_text({"type": "array", "items": {"enum": ["tsv", "json"]}})
    'list of `tsv` or `json`'
    >>> value_text({"type": "array", "prefixItems": [{"type": "integer"}] * 3})
    'list of 3, each a whole number'
    """
    if "anyOf" in key:
        return " or ".join(value_text(choice) for choice in key["anyOf"] if choice.get("type") != "null")
    if "$ref" in key:
        return f"table, keys as in `[{key['$ref'].rsplit('/', 1)[-1].removesuffix('Settings').lower()}]`"
    if "enum" in key:
        return " or ".join(f"`{value}`" for value in key["enum"])
    if "prefixItems" in key:
        kinds = [value_text(item) for item in key["prefixItems"]]
        alike = f"{len(kinds)}, each a {kinds[0]}" if len(set(kinds)) < len(kinds) else None
        return f"list of {alike or ' and '.join(kinds)}"
    if key.get("type") == "array":
        return f"list of {value_text(key['items'])}"
    names = {"integer": "whole number", "number": "number", "boolean": "`true` or `false`", "string": "text"}
    limits = {
        "minimum": "at least",
        "exclusiveMinimum": "above",
        "maximum": "at most",
        "exclusiveMaximum": "below",
    }
    formats = {"path": "path", "date-time": "date or time"}
    name = formats.get(key.get("format", "")) or names[key["type"]]
    return ", ".join([name, *(f"{words} {key[limit]}" for limit, words in limits.items() if limit in key)])


def toml(value: object) -> str:
    """Write a default as TOML does.

    >>> toml(True), toml(["a"]), toml(0.5)
    ('true', '["a"]', '0.5')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list):
        return f"[{', '.join(toml(item) for item in value)}]"
    return str(value)


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    r"""Lay rows out as a Markdown table.

    >>> print(markdown_table(("a", "b"), [("1", "x|y")]))
    | a | b |
    | --- | --- |
    | 1 | x\|y |
    """
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def with_block(page: str, block: str) -> str:
    r"""Put a generated block between the markers of a page.

    >>> with_block(f"a{BEGIN}old{END}z", "new") == f"a{BEGIN}\n\nnew\n\n{END}z"
    True
    """
    before, _, rest = page.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        sys.exit(f"a page lacks the markers {BEGIN} and {END}")
    return f"{before}{BEGIN}\n\n{block}\n\n{END}{after}"


def _section(key: Mapping[str, Any]) -> str | None:
    """Name the section that a key of the whole file stands for, or None for a plain value."""
    for choice in (key, *key.get("anyOf", ())):
        if "$ref" in choice:
            return str(choice["$ref"]).rsplit("/", 1)[-1]
    return None


if __name__ == "__main__":
    sys.exit(main())
