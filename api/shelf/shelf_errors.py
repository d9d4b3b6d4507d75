"""Errors of the shelf."""

from __future__ import annotations

from earwitness.fingerprint.errors import EarwitnessError


class NoSuchDataset(EarwitnessError):
    """Nothing is known of a dataset of this name."""

    code = "no_such_dataset"

    def __init__(self, *, name: str, similar: tuple[str, ...]) -> None:
        self.name, self.similar = name, similar
        hint = f"did you mean {', '.join(similar)}?" if similar else "`earwitness shelf` lists what is known"
        super().__init__(f"nothing is known here of a dataset {name!r}", hint=hint)


class NotACatalogue(EarwitnessError):
    """A file is no list of works."""

    code = "not_a_catalogue"

    def __init__(self, *, path: str, reason: str) -> None:
        self.path, self.reason = path, reason
        super().__init__(
            f"{path} cannot be read as a list of works: {reason}",
            hint="give a CSV file with a header row: artist, title, and any of album, isrc, link (as copied"
            " from YouTube, Spotify, SoundCloud or Bandcamp), youtube_id, spotify_id, mbid",
        )


class CatalogueTooLong(EarwitnessError):
    """A list of works is longer than can be held."""

    code = "catalogue_too_long"

    def __init__(self, *, path: str, limit: int) -> None:
        self.path, self.limit = path, limit
        super().__init__(
            f"{path} gives more than {limit:,} works", hint="divide the list, and use several homes"
        )


class NoNamesHere(EarwitnessError):
    """No list of names is stored, so nothing can be asked by name."""

    code = "no_names_here"

    def __init__(self, *, home: str) -> None:
        self.home = home
        super().__init__(
            f"{home} holds no list of names",
            hint="index the list of a dataset (`earwitness index LIST --name NAME`), or add a pack",
        )
