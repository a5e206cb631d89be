"""Signing in and out, one's own language, and the administrator's pages: users, API keys, jobs, audit trail."""

from fastapi import APIRouter

from ar.core.access.pages import jobs, keys, signing, trail, users

router = APIRouter(include_in_schema=False)
for part in (signing, users, keys, jobs, trail):
    router.include_router(part.router)
