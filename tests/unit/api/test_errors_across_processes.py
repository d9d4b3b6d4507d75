"""Errors that a reading process states arrive as what they are."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import earwitness.api.datasets
from earwitness.api.datasets.isolated.item_messages import error_from_message, error_to_message
from earwitness.fingerprint.errors import AudioError, EarwitnessError


def _of_datasets(root: type[EarwitnessError]) -> list[type[EarwitnessError]]:
    for module in pkgutil.walk_packages(earwitness.api.datasets.__path__, "earwitness.api.datasets."):
        if not module.name.endswith("worker"):
            importlib.import_module(module.name)
    kinds_found = [kind for child in root.__subclasses__() for kind in (child, *_of_datasets(child))]
    return [kind for kind in kinds_found if kind.__module__.startswith("earwitness.api.datasets")]


@pytest.mark.parametrize("kind", _of_datasets(AudioError), ids=lambda kind: kind.__name__)
def test_an_error_about_an_item_keeps_its_class(kind: type[EarwitnessError]) -> None:
    """Whoever reads an item catches the same error, with its code, wherever it was raised."""
    error = kind.__new__(kind)
    EarwitnessError.__init__(error, "a message", hint="a hint")
    received = error_from_message(error_to_message(error))
    assert type(received) is kind
    assert (received.code, received.message, received.hint) == (kind.code, "a message", "a hint")
