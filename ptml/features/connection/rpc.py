"""Which procedures of Windows were called: over a connection's rows of dce_rpc.log."""

from __future__ import annotations

import polars as pl

from ptml.features.connection.rows import rows_of
from ptml.features.expressions import BYTE, SHORT, at_most, distinct
from ptml.features.family import family

TASKS = ("atsvc", "itaskschedulerservice", "sasec", "jobscheduler")
ACCOUNTS = ("samr", "lsarpc", "lsat", "lsad")


def _endpoint(*names: str) -> pl.Expr:
    return pl.col("endpoint").str.to_lowercase().is_in(names).max()


def rpc_calls() -> pl.Expr:
    """Calls.

    Unit: calls. Type: UInt16. Range: 1 to 65535, where it saturates. Logs: dce_rpc. Scope: connection.
    Null: no row in dce_rpc.log. Source: Zeek dce_rpc.log.

    >>> pl.DataFrame({"operation": ["ept_map", "ept_map"]}).select(rpc_calls()).item()
    2
    """
    return at_most(pl.len(), SHORT)


def rpc_operations() -> pl.Expr:
    """Different operations that were called.

    Unit: operations. Type: UInt8. Range: 0 to 255, where it saturates. Logs: dce_rpc. Scope: connection.
    Null: no row in dce_rpc.log. Source: Zeek dce_rpc.log.

    >>> pl.DataFrame({"operation": ["ept_map", "ept_map"]}).select(rpc_operations()).item()
    1
    """
    return at_most(distinct(pl.col("operation")), BYTE)


def rpc_service_control() -> pl.Expr:
    """The service manager was called: how PsExec and many worms start programs.

    Unit: flag. Type: Boolean. Range: true, false. Logs: dce_rpc. Scope: connection.
    Null: no endpoint known. Source: MITRE ATT&CK T1569.002; MITRE ATT&CK T1021.002.

    >>> pl.DataFrame({"endpoint": ["svcctl"]}).select(rpc_service_control()).item()
    True
    """
    return _endpoint("svcctl")


def rpc_task_scheduler() -> pl.Expr:
    """The task scheduler was called.

    Unit: flag. Type: Boolean. Range: true, false. Logs: dce_rpc. Scope: connection.
    Null: no endpoint known. Source: MITRE ATT&CK T1053.

    >>> pl.DataFrame({"endpoint": ["ITaskSchedulerService"]}).select(rpc_task_scheduler()).item()
    True
    """
    return _endpoint(*TASKS)


def rpc_registry() -> pl.Expr:
    """The registry was reached from afar.

    Unit: flag. Type: Boolean. Range: true, false. Logs: dce_rpc. Scope: connection.
    Null: no endpoint known. Source: MITRE ATT&CK T1112.

    >>> pl.DataFrame({"endpoint": ["epmapper"]}).select(rpc_registry()).item()
    False
    """
    return _endpoint("winreg")


def rpc_accounts() -> pl.Expr:
    """Accounts, groups or rights were looked up.

    Unit: flag. Type: Boolean. Range: true, false. Logs: dce_rpc. Scope: connection.
    Null: no endpoint known. Source: MITRE ATT&CK T1087.

    >>> pl.DataFrame({"endpoint": ["samr"]}).select(rpc_accounts()).item()
    True
    """
    return _endpoint(*ACCOUNTS)


def rpc_replication() -> pl.Expr:
    """A domain controller was asked to hand over its accounts.

    Unit: flag. Type: Boolean. Range: true, false. Logs: dce_rpc. Scope: connection.
    Null: no operation known. Source: DCSync, MITRE ATT&CK T1003.006.

    >>> pl.DataFrame({"operation": ["DRSGetNCChanges"]}).select(rpc_replication()).item()
    True
    """
    return pl.col("operation").str.contains("(?i)^DRSGetNCChanges").max()


def rpc_netlogon() -> pl.Expr:
    """The service that machines log in to the domain by was called.

    Unit: flag. Type: Boolean. Range: true, false. Logs: dce_rpc. Scope: connection.
    Null: no endpoint known. Source: CVE-2020-1472.

    >>> pl.DataFrame({"endpoint": ["netlogon"]}).select(rpc_netlogon()).item()
    True
    """
    return _endpoint("netlogon")


def rpc_wmi() -> pl.Expr:
    """Windows Management Instrumentation was called.

    Unit: flag. Type: Boolean. Range: true, false. Logs: dce_rpc. Scope: connection.
    Null: no endpoint known. Source: MITRE ATT&CK T1047.

    >>> pl.DataFrame({"endpoint": ["IWbemServices"]}).select(rpc_wmi()).item()
    True
    """
    return pl.col("endpoint").str.contains("(?i)wbem").max()


RPC = family(
    "dce_rpc",
    (
        rpc_calls,
        rpc_operations,
        rpc_service_control,
        rpc_task_scheduler,
        rpc_registry,
        rpc_accounts,
        rpc_replication,
        rpc_netlogon,
        rpc_wmi,
    ),
    rows_of("dce_rpc"),
)
