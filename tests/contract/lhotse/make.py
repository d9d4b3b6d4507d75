"""Makes the Lhotse fixture with Lhotse's own writers, so that the tests do not need it (it needs torch).

Run in a folder that holds ``clip_0.wav`` ... ``clip_3.wav``; made with lhotse 1.33.0.
"""

from __future__ import annotations

import sys
from pathlib import Path

from lhotse import CutSet, RecordingSet, SourceItem


def main(folder: Path) -> None:
    """Write recordings.jsonl.gz and cuts.jsonl.gz for the clips of ``folder``, with paths relative to it."""
    recordings = RecordingSet.from_recordings(
        SourceItem.from_file(clip, recording_id=clip.stem, relative_path_depth=1)
        for clip in sorted(folder.glob("*.wav"))
    )
    recordings.to_file(Path(__file__).parent / "recordings.jsonl.gz")
    cuts = CutSet.from_manifests(recordings=recordings).truncate(max_duration=0.05, offset_type="start")
    cuts.to_file(Path(__file__).parent / "cuts.jsonl.gz")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
