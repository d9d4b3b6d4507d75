"""Names of the entries of public datasets: artist, title, album and identifiers, without audio.

`recording_ids` knows identifiers and links, `name_keys` compares names, `write_name_list` stores the names of
one dataset, `name_list` looks them up, and `name_chance` says how many entries would match by chance.
"""
