"""The SQL catalog: schema, rows, checksums, migrations."""
