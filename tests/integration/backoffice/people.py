"""People of the back office, by role."""

from backoffice import roles
from identity.models import User

PASSWORD = "correct horse battery"


def somebody(role: str, *, password: str | None = None) -> User:
    """Return somebody in a role; `superuser` may do everything, `nobody` has a login and no role."""
    email = f"{role.replace(' ', '-')}@example.com"
    if role == "superuser":
        return User.objects.create_superuser(email, password)
    user = User.objects.create_user(email, password, is_staff=True)
    if role != "nobody":
        user.groups.add(roles.group(role))
    return user
