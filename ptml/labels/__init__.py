"""How a label gets onto a connection, and how sure it is.

A policy says how: by a column of the log, by indicators, by the capture's label with or without what any host
does, or not at all. Each row of the table `labels/` tells which policy made it. Feature tables hold no label;
this table stands beside them.
"""

from __future__ import annotations

from ptml.labels.stage import label_connections

__all__ = ["label_connections"]
