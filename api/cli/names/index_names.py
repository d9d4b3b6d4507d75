"""``earwitness index`` of a list without audio: its names are kept, and compared with the works."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from earwitness.api.cli.options import to_stderr, to_stdout

if TYPE_CHECKING:
    from earwitness.api.datasets.name_lists.name_source import NameSource
    from earwitness.api.settings import Settings
    from earwitness.api.shelf.catalogue import NamedWork
    from earwitness.index.names.name_entries import NamedDataset


def index_names(names: NameSource, settings: Settings, *, name: str, version: str) -> dict[str, Any]:
    """Store a list's names as a dataset; report what was kept, and which works it names."""
    from earwitness.api.shelf.catalogue import all_works, answered
    from earwitness.api.shelf.stored_names import names_path, store_names
    from earwitness.index.names.name_list import NameList

    dataset = store_names(
        names.rows(),
        settings,
        name=name,
        version=version,
        layout=names.layout,
        is_complete=lambda: names.cut_off is None,
    )
    report(names, dataset)
    stored = NameList(names_path(settings, name=name, version=version))
    try:
        named = [each for each in answered(all_works(settings), [stored]) if each.names]
    finally:
        stored.close()
    show_named(named, dataset)
    return {
        "names": {
            "layout": names.layout,
            "rows": names.n_rows,
            "kept": dataset.n_entries,
            "nameless": names.n_nameless,
            "not_readable": names.n_refused,
            "refused": list(map(str, names.refused)),
            "complete": dataset.complete,
        },
        "named_works": [each.to_json() for each in named],
    }


def report(names: NameSource, dataset: NamedDataset) -> None:
    """Print what was kept, and what was not."""
    from earwitness.api.printable import shown
    from earwitness.api.sentences import count

    console = to_stdout()
    console.print(
        f"{shown(dataset.name)} version {shown(dataset.version)}: a list without audio,"
        f" {count(dataset.n_entries, 'name')} kept (read as {names.layout}).",
        soft_wrap=True,
    )
    if names.n_nameless:
        rows = count(names.n_nameless, "row")
        console.print(f"Left out: {rows} with neither an identifier nor artist and title.", soft_wrap=True)
    if names.n_refused:
        console.print(f"{count(names.n_refused, 'row')} could not be read, such as:", soft_wrap=True)
    for each in names.refused:
        console.print(f"  {each}", soft_wrap=True)
    if names.cut_off is not None:
        console.print(f"The list was not read to its end: {shown(names.cut_off)}.", soft_wrap=True)


def show_named(named: list[NamedWork], dataset: NamedDataset) -> None:
    """Print the works that the list names."""
    from earwitness.api.printable import shown
    from earwitness.api.sentences import count
    from earwitness.api.shelf.catalogue import shown_work
    from earwitness.api.shelf.dataset_cards import NOT_PROVEN
    from earwitness.api.shelf.names_evidence import names_sentences

    certain = [each for each in named if each.is_named]
    if not certain:
        to_stderr().print(f"{shown(dataset.name)} names no registered work.", soft_wrap=True)
        return
    to_stdout().print(f"It names {count(len(certain), 'registered work')}:", soft_wrap=True)
    for each in certain:
        words = " ".join(names_sentences(each.names))
        to_stdout().print(f"  {shown_work(each.work)}. {shown(words)}", soft_wrap=True)
    to_stderr().print(NOT_PROVEN, soft_wrap=True)
