"""Which problem a client sees for which refusal of Identity."""

from identity import commands, keys, lockout, problems


def register() -> None:
    """Fill the catalogue; called where the URLs are put together."""
    problems.register(
        commands.EmailTaken, status=409, title="This e-mail address is registered already"
    )
    problems.register(
        commands.PasswordRefused, status=400, title="The password is too easy to guess"
    )
    problems.register(
        commands.CredentialsRefused, status=401, title="E-mail address or password is wrong"
    )
    problems.register(
        lockout.LockedOut, status=429, title="Too many passwords were tried under this address"
    )
    problems.register(commands.TokenNotFound, status=404, title="There is no such token")
    problems.register(keys.KeyRefused, status=400, title="The key is not valid (any more)")
