"""The shelf: what is known here of public datasets, by whatever evidence exists.

`dataset_cards` reads the cards, which state what a dataset is, each statement with its source and date.
`shelf_listing` puts cards, lists of known files and indexed datasets side by side.
"""
