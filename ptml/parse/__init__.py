"""Zeek logs → Parquet."""
