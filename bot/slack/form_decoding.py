"""Decoding of form fields by a C codec, because urllib decodes them in Python.

With it, a replica handles 1.2 times as many answers a second (docs/performance.md).
"""

from binascii import a2b_qp


def decode_form_field(value: str) -> str:
    """Return a percent-encoded field's text, as `urllib.parse.unquote_plus` does.

    Rewriting `%3D` as quoted-printable `=3D` lets the codec decode it.
    """
    spaced = value.replace("+", " ").replace("=", "%3D").replace("%", "=")
    return a2b_qp(spaced.encode()).decode(errors="replace")
