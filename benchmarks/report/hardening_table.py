"""The server under hostile load, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.report.records import Record


def hardening_table(record: Record) -> Iterator[str]:
    """Yield what was tried and what came of it."""
    yield "| tried | outcome |"
    yield "|---|---|"
    for row in record.rows:
        yield f"| {_tried(row)} | {_outcome(row)} |"


def _tried(row: Mapping[str, Any]) -> str:
    match row["what"]:
        case "upload":
            return "a chunked upload without an end"
        case "slow" if not row["clients"]:
            return f"{row['requests']} requests, no load"
        case "slow":
            return f"{row['requests']} requests beside {row['clients']} slow connections"
        case "idempotency":
            return f"{row['requests']} uploads at once with one Idempotency-Key"
        case "openapi":
            return f"{row['requests']:,} made-up requests to {row['operations']} operations"
        case "kills":
            return f"{row['kills']:,} workers killed during {row['jobs']:,} checks"
        case _:
            return f"{row['servers']} servers ended under load, with {row['jobs']:,} accepted checks"


def _outcome(row: Mapping[str, Any]) -> str:
    match row["what"]:
        case "upload":
            return (
                f"HTTP {row['status']} after {row['sent_mib']:,} MiB; memory grew by {row['grown_mib']} MiB"
            )
        case "slow":
            times = f"median {row['median_ms']} ms, 95th percentile {row['p95_ms']} ms"
            return f"{times}; {row['not_answered']} not answered"
        case "idempotency":
            return f"{row['accepted']} accepted, {row['jobs']} job"
        case "openapi":
            declared = "each answer is as the description declares; no error of the server"
            return "; ".join(row["failures"]) or declared
        case "kills":
            errors = {code: number for code, number in row["errors"].items() if code}
            return f"{_counts(row['states'])}; errors: {_counts(errors) or 'none'}"
        case _:
            return f"{_counts(row['states'])}; the slowest ended in {row['slowest_s']} s"


def _counts(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{number:,} {name}" for name, number in sorted(numbers.items()))
