"""Who an address and a password belong to."""

from __future__ import annotations

from allauth.account.auth_backends import AuthenticationBackend
from django.conf import settings

from liaison.accounts.models import User


class PasswordBackend(AuthenticationBackend):  # type: ignore[misc,unused-ignore]  # the library has no types
    """Finds the person by the address on their account, and takes as long for an unknown one."""

    def _authenticate_by_email(self, email: str, password: str) -> User | None:
        try:
            user = User.objects.get_by_natural_key(email)
        except User.DoesNotExist:
            return None
        if user.is_demo and settings.PRODUCTION:
            return None  # everybody knows the password of the demonstration
        found: User | None = self._check_password(user, password)
        return found
