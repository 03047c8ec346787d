"""Certificates that connections to Slack trust, beside the system's own."""

import ssl
from functools import cache
from pathlib import Path


@cache
def trusting(ca_file: str) -> ssl.SSLContext:
    """Return a context that trusts the system's certificates and those of a file or folder.

    It is read once: the system's certificates alone take 40 ms and 5 MB.

    Raises:
        OSError: the file cannot be read, or holds no certificate (ssl.SSLError).
    """
    context = ssl.create_default_context()
    if Path(ca_file).is_dir():
        context.load_verify_locations(capath=ca_file)
    else:
        context.load_verify_locations(cafile=ca_file)
    return context
