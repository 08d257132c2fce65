"""Identity: who may sign in (e-mail, password); knows nobody."""
