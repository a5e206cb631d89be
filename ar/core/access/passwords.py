"""Password hashes by argon2id. One takes tenths of a second on purpose: never inside a transaction."""

from __future__ import annotations

from functools import lru_cache

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher

from ar.core.errors import DomainError, Fault
from ar.core.settings import Settings

SHORTEST, LONGEST = 12, 200


class PasswordError(DomainError):
    """The password is too easy to guess."""

    code = "weak-password"


@lru_cache(maxsize=8)
def _hasher(memory_kib: int, rounds: int) -> PasswordHash:
    return PasswordHash((Argon2Hasher(time_cost=rounds, memory_cost=memory_kib, parallelism=1),))


def _hasher_of(settings: Settings) -> PasswordHash:
    return _hasher(settings.argon2_memory_kib, settings.argon2_rounds)


@lru_cache(maxsize=8)
def _dummy(hasher: PasswordHash) -> str:
    return hasher.hash("nobody has this password")


def hash_password(password: str, *, settings: Settings, email: str = "") -> str:
    """The hash to store of a password that somebody chose. Raises PasswordError, with what to change."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise _refused(f"choose a password of {SHORTEST} to {LONGEST} characters")
    if password.casefold() in (email.casefold(), email.partition("@")[0].casefold()):
        raise _refused("choose a password that is not your e-mail address")
    if len(set(password)) < 5:
        raise _refused("choose a password of at least five different characters")
    return _hasher_of(settings).hash(password)


def _refused(message: str) -> PasswordError:
    return PasswordError(message, faults=[Fault("/password", message)])


def check_password(password: str, password_hash: str | None, *, settings: Settings) -> tuple[bool, str | None]:
    """Whether `password` is right, and its new hash when the stored one was made with other parameters.

    Without a hash (nobody has that e-mail address) it takes the same time and answers no.
    """
    hasher = _hasher_of(settings)
    if password_hash is None or len(password) > LONGEST:
        hasher.verify(password[:LONGEST], _dummy(hasher))
        return False, None
    return hasher.verify_and_update(password, password_hash)
