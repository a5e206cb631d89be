"""Who may do what: users and their roles, server-side sessions, API keys."""
