"""``python -m tests.packettotal``: the loopback PacketTotal server, for a look at it.

For example, an archive that is not ready three times, and a service that is out of breath once::

    python -m tests.packettotal --tell download=202x3 --tell usage=429:1
"""

from __future__ import annotations

import argparse
import sys

from tests.packettotal.answers import ROUTES
from tests.packettotal.answers import __doc__ as orders
from tests.packettotal.server import LoopbackServer


def main() -> None:
    """Serve until Ctrl-C; the first lines say how to reach the server."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.packettotal",
        description="Serve a small PacketTotal on 127.0.0.1, made after public clients of the service.",
        epilog=f"ROUTE is one of {', '.join(ROUTES)}. ORDER: {orders}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--port", type=int, default=8765, help="where to listen (8765); 0 for any that is free"
    )
    parser.add_argument(
        "--tell",
        action="append",
        default=[],
        metavar="ROUTE=ORDER[,ORDER…]",
        help="answers out of the ordinary",
    )
    given = parser.parse_args()
    with LoopbackServer(port=given.port) as server:
        for told in given.tell:
            route, _, orders_of_route = told.partition("=")
            server.tell(route, *orders_of_route.split(","))
        for name, value in server.variables.items():
            sys.stdout.write(f"export {name}={value}\n")
        sys.stdout.flush()
        try:
            server.stopping.wait()
        except KeyboardInterrupt:
            sys.stdout.write("stopped\n")


if __name__ == "__main__":
    main()
