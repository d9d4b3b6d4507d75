"""Lists of names without audio, such as link lists: recognised, and read row by row.

`list_columns` knows what columns mean, `list_layouts` recognises a list, `listed_rows` reads its rows,
`send_names` runs in the reading process and `name_source` receives from it.
"""
