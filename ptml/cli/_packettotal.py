"""How PacketTotal's answers, and what a capture would reveal, look on a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from ptml.cli._render import plain, remark, show_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ptml.sources.packettotal.summary import Summary
    from ptml.sources.packettotal.uploading import Analyzed, Examined
    from ptml.sources.upload.reveal import Revealed

ROWS = 10
KNOWN_INFO = ("md5", "name", "byte_size", "logs", "analyzed_date", "packettotal_link", "message")


def show_facts(title: str, facts: Mapping[str, Any]) -> None:
    """Show names and values."""
    show_table(title, ("what", "value"), [(name, _text(value)) for name, value in facts.items()])


def show_info(info: Mapping[str, Any]) -> None:
    """Show what is known of a capture, the links of its parts left out."""
    facts = {name: info[name] for name in KNOWN_INFO if name in info}
    show_facts(f"capture {plain(info.get('md5', ''))}", facts)


def show_summary(summary: Summary, *, quiet: bool = False) -> None:
    """Show talkers, statistics, signatures, references and the flag with its warning."""
    from ptml.sources.packettotal.summary import FLAG_WARNING

    for name, shares in summary.talkers.items():
        show_shares(f"top talkers: {plain(name)}", shares)
    for block, parts in summary.statistics.items():
        for part, shares in parts.items():
            show_shares(f"{plain(block)}: {plain(part)}", shares)
    show_table("signatures", ("rule",), [(rule,) for rule in summary.signatures])
    show_table(
        "external references", ("reference",), [(" · ".join(one.values()),) for one in summary.references]
    )
    flag = "none" if summary.malicious_traffic is None else str(summary.malicious_traffic).lower()
    typer.echo(f"malicious_traffic: {flag}")
    remark(f"  note: {FLAG_WARNING}", quiet=quiet)
    for name, value in summary.unread.items():
        remark(f"  note: {name} has another form than expected: {_text(value)[:200]}", quiet=quiet)


def show_shares(title: str, shares: Mapping[str, float]) -> None:
    """Show the largest of some numbers; their unit is the service's secret."""
    show_table(title, ("value", "number"), list(shares.items())[:ROWS])
    if len(shares) > ROWS:
        remark(f"  … and {len(shares) - ROWS} more; --json lists all")


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
