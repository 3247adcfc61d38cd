"""How what goes wrong on the network is told: what may pass when it is tried again, and what will not."""

from __future__ import annotations

import contextlib
import ssl
from typing import TYPE_CHECKING

import httpx

from ptml.errors import DownloadError
from ptml.sources.patience import Transient

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ptml.sources.asks import Ask
    from ptml.sources.patience import Deadline, Timeouts


def failure(ask: Ask, error: Transient) -> DownloadError:
    """Make the error for a request that never went well."""
    times = "once" if error.tries == 1 else f"{error.tries} times"
    return DownloadError(f"{ask}: {error} (tried {times})", hint="check the network, or run the same later")


@contextlib.contextmanager
def translating(ask: Ask, timeouts: Timeouts) -> Iterator[None]:
    """Turn httpx's errors into ours: those that may pass, and those that will not."""
    try:
        yield
    except (httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
        # Its text may quote headers, and so a secret.
        raise DownloadError(f"{ask}: the request cannot be sent ({type(error).__name__})") from None
    except httpx.RequestError as error:
        if (certificate := _certificate_error(error)) is not None:
            raise DownloadError(
                f"{ask}: its certificate is not to be trusted: {certificate.verify_message}",
                hint="--ca FILE names the certificates to trust; verification is never switched off",
            ) from error
        reason = _reason(error, timeouts)
        before_it_was_sent = isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout))
        if ask.may_repeat or before_it_was_sent:
            raise Transient(reason) from error
        raise DownloadError(
            f"{ask}: {reason}; it may have arrived, and was not sent again", hint="see whether it did"
        ) from error


def _certificate_error(error: BaseException) -> ssl.SSLCertVerificationError | None:
    inner: BaseException | None = error
    while inner is not None:
        if isinstance(inner, ssl.SSLCertVerificationError):
            return inner
        inner = inner.__cause__ or inner.__context__
    return None


def _reason(error: httpx.RequestError, timeouts: Timeouts) -> str:
    if isinstance(error, httpx.ConnectTimeout):
        return f"no connection within {timeouts.connect:g} seconds"
    if isinstance(error, httpx.TimeoutException):
        return f"nothing came for {timeouts.read:g} seconds"
    return str(error) or type(error).__name__


def too_long(ask: Ask, deadline: Deadline) -> DownloadError:
    """Make the error for what took longer than it may."""
    return DownloadError(
        f"{ask}: it took longer than {deadline.seconds:g} seconds", hint="run the same again"
    )
