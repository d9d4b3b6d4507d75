"""Packs: one file that carries what is known of one dataset, without its audio.

A pack is a zip archive without compression. `pack_container` writes and reads it, `pack_manifest` states
what is in it, `pack_signature` signs the manifest, `pack_tables` are its tables (Parquet), which
`pack_worker` reads in a process of its own. `make_pack` and `add_pack` are the two ways; `installed_packs`
are those of a home.
"""
