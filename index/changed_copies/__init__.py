"""Works are stored with changed copies, so that a search need not undo every change of every query."""
