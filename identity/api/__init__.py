"""The HTTP faces of Identity: tokens, e-mail verification, password reset."""
