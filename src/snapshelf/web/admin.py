"""Who may change the store: whoever sends the admin key."""

from __future__ import annotations

import secrets
from typing import Annotated

from fastapi import Depends, HTTPException
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from snapshelf.web.state import State

_bearer = HTTPBearer(auto_error=False, description="The store's SNAPSHELF_ADMIN_KEY")


def _require_admin(state: State, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> None:
    key = state.settings.admin_key
    if key is None or not key.get_secret_value():
        raise HTTPException(403, "Changing the store is off: the server was started without SNAPSHELF_ADMIN_KEY.")
    given = credentials.credentials if credentials else ""
    if not secrets.compare_digest(given.encode(), key.get_secret_value().encode()):
        raise HTTPException(
            401,
            "The admin key is missing or wrong. Send it as: Authorization: Bearer <key>.",
            headers={"WWW-Authenticate": "Bearer"},
        )


AdminOnly = Depends(_require_admin)
