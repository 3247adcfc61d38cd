"""How PacketTotal's answers, and what a capture would reveal, look on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from ptml.cli._render import plain, remark, show_table

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from ptml.sources.packettotal.uploading import Analyzed, Examined
    from ptml.sources.upload.reveal import Revealed

ROWS, ROWS_A_PART = 10, 5
KNOWN_INFO = ("md5", "name", "byte_size", "logs", "analyzed_date", "packettotal_link", "message")


def show_facts(title: str, facts: Mapping[str, Any]) -> None:
    """Show names and values."""
    show_table(title, ("what", "value"), [(name, _text(value)) for name, value in facts.items()])


def show_info(info: Mapping[str, Any]) -> None:
    """Show what is known of a capture, the links of its parts left out."""
    facts = {name: info[name] for name in KNOWN_INFO if name in info}
    show_facts(f"capture {plain(info.get('md5', ''))}", facts)


def show_known(known: Mapping[str, Any], *, quiet: bool = False) -> None:
    """Show what is known of a capture: what it is, and its analysis."""
    show_info(known["info"])
    for note in known["notes"]:
        remark(f"  note: {note}", quiet=quiet)
    if not known["notes"]:
        show_summary(known["analysis"], quiet=quiet)


def show_summary(summary: Mapping[str, Any], *, quiet: bool = False) -> None:
    """Show talkers, statistics, signatures, references and the flag with its warning."""
    found = summary["top_talkers"].items()
    talkers = [(name, *row) for name, shares in found for row in _largest(shares, ROWS)]
    show_table("top talkers", ("direction", "address", "number"), talkers)
    parts = [
        (block.removesuffix("_statistics"), part, *row)
        for block, parts in summary["statistics"].items()
        for part, shares in parts.items()
        for row in _largest(shares, ROWS_A_PART)
    ]
    show_table("statistics", ("of", "what", "value", "number"), parts)
    show_table("signatures", ("rule",), [(rule,) for rule in summary["signatures"]])
    references = [(" · ".join(one.values()),) for one in summary["external_references"]]
    show_table("external references", ("reference",), references)
    flag = summary["malicious_traffic"]
    said = "none" if flag is None else str(flag).lower()
    typer.echo(f"malicious_traffic: {said}; {summary['malicious_traffic_warning']}")
    remark("  numbers are the service's own, percent or fraction; --json has all of them", quiet=quiet)
    for name, value in summary["unread"].items():
        remark(f"  note: {name} has another form than expected: {_text(value)[:200]}", quiet=quiet)


def _largest(shares: Mapping[str, float], count: int) -> Iterator[tuple[str, str]]:
    """Give the largest numbers, the rest counted."""
    for value, number in list(shares.items())[:count]:
        yield value, f"{number:g}"
    if len(shares) > count:
        yield f"… {len(shares) - count} more", ""


def show_rows(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Show rows by whatever columns they have."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    show_table(title, columns, [[_text(row.get(name)) for name in columns] for row in rows])


def show_examined(examined: Examined, *, quiet: bool = False) -> None:
    """Show what would be revealed, before and after its addresses were replaced."""
    from ptml.sources.packettotal.uploading import NOT_LOOKED_FOR

    if examined.original is not None and examined.replaced is not None:
        _show_revealed("the capture itself would reveal", examined.original)
        done = examined.replaced
        remark(
            f"copy with {done.addresses} other addresses: {examined.path}; {done.packets} packets, "
            f"{done.left_out} of other protocols left out; {done.still} still spell out a private address",
            quiet=quiet,
        )
    _show_revealed(f"{examined.path} would reveal", examined.revealed)
    remark(f"  {NOT_LOOKED_FOR}", quiet=quiet)


def show_analyzed(done: Analyzed) -> None:
    """Show what became of an upload."""
    state = "was known already" if done.known else "was accepted"
    typer.echo(f"{done.id} {state}" + (f"; queue: {plain(done.queue)}" if done.queue else ""))
    if done.info is not None:
        show_info(done.info)


def _show_revealed(title: str, found: Revealed) -> None:
    rows = [("private address", address, count) for address, count in found.private.most_common()]
    rows += [("hardware address", address, count) for address, count in found.hardware.most_common()]
    rows += [(f"name in {protocol}", name, count) for (protocol, name), count in found.names.most_common()]
    rows += [("login or cookie in the clear", "", found.logins)] if found.logins else []
    show_table(f"{title} ({found.packets:,} packets)", ("what", "value", "packets"), rows)


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    return "-" if value is None else str(value)
