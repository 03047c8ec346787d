"""Keys kept outside the database: what they wrap cannot be read from a backup alone.

AES-256-GCM by the `cryptography` library. The first key wraps; all of them unwrap, so the operator
can add keys, and retire them once nothing needs them any more.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.clock import random_bytes

KEY_BYTES, NONCE_BYTES = 32, 12
ID_LENGTH = 16


class KeyMissing(Exception):
    """Raised if a value was wrapped by a key that is not, or no longer, in IMBALANCE_KEYS."""


@dataclass(frozen=True, kw_only=True)
class Wrapped:
    """A sealed value and the id of its key."""

    key_id: str
    sealed: bytes


def seal(key: bytes, value: bytes, context: bytes) -> bytes:
    """Encrypt with a 32-byte key; `unseal` needs the same `context`."""
    nonce = random_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, value, context)


def unseal(key: bytes, sealed: bytes, context: bytes) -> bytes:
    """Return the value that was sealed.

    Raises:
        ValueError: another key, another context, or changed bytes.
    """
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context)
    except InvalidTag as error:
        raise ValueError("sealed with another key or for another place") from error


class KeyRing:
    """The keys of IMBALANCE_KEYS, 32 bytes each, at least one."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = {sha256(key).hexdigest()[:ID_LENGTH]: key for key in keys}
        self.ids = tuple(self._keys)
        self.first_id = next(iter(self._keys))
        """The id of the key that wraps."""

    @classmethod
    def of(cls, keys: Sequence[bytes]) -> "KeyRing | None":
        """Return the ring of these keys; None where there are none."""
        return cls(keys) if keys else None

    def wrap(self, value: bytes, context: str) -> Wrapped:
        sealed = seal(self._keys[self.first_id], value, context.encode())
        return Wrapped(key_id=self.first_id, sealed=sealed)

    def unwrap(self, wrapped: Wrapped, context: str) -> bytes:
        """Return the value that was wrapped.

        Raises:
            KeyMissing: the key was retired.
            ValueError: the value was changed, or belongs to another context.
        """
        try:
            key = self._keys[wrapped.key_id]
        except KeyError as error:
            raise KeyMissing(wrapped.key_id) from error
        return unseal(key, wrapped.sealed, context.encode())
