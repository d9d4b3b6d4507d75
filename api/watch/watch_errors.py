"""Errors of notices and of the address that they are sent to."""

from __future__ import annotations

from earwitness.fingerprint.errors import EarwitnessError


class NoSuchNotice(EarwitnessError):
    """There is no notice of this number, or it was deleted with its work."""

    code = "no_such_notice"

    def __init__(self, *, notice: str) -> None:
        self.notice = notice
        super().__init__(f"there is no notice {notice}", hint="`earwitness watch notices` lists the notices")


class NoWebhook(EarwitnessError):
    """No address is set that notices are sent to."""

    code = "no_webhook"

    def __init__(self) -> None:
        super().__init__(
            "no address is set that notices are sent to",
            hint="set one: `earwitness watch webhook https://...`",
        )


class BadWebhook(EarwitnessError):
    """Notices cannot be sent to this address."""

    code = "bad_webhook"

    def __init__(self, *, url: str, reason: str) -> None:
        self.url, self.reason = url, reason
        super().__init__(
            f"notices cannot be sent to {url}: {reason}",
            hint="give a public address with https, such as https://example.org/earwitness;"
            " EARWITNESS_WEBHOOK_PRIVATE=true admits http and addresses of private networks",
        )


class NothingToWatch(EarwitnessError):
    """No work was named that could be watched."""

    code = "nothing_to_watch"

    def __init__(self) -> None:
        super().__init__(
            "no work was named", hint="name works by their file, SHA-256 or number, or add --all"
        )
