"""PacketTotal: captures with their analysis, by the API that the service had, or a server that is like it."""
