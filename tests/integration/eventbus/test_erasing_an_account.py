"""A traveller's account is erased: in Booking, in the log, and in CRM that hears of it."""

import uuid

import pytest
from django.core.management import CommandError, call_command

from booking import commands
from booking.models import Account
from crm.models import Profile
from eventbus import testing
from eventbus.models import OutboxEntry
from identity import commands as identity
from tests.integration.crm import story

pytestmark = pytest.mark.django_db

EMAIL, PASSWORD, NAME = "ada@example.com", "correct horse battery staple", "Ada Lovelace"


@pytest.fixture
def account_id(django_capture_on_commit_callbacks) -> uuid.UUID:
    """An account of which CRM has heard."""
    account = commands.register_account(email=EMAIL, password=PASSWORD, full_name=NAME)
    testing.deliver()
    assert Profile.objects.get(pk=account.account_id).email == EMAIL
    return account.account_id


def everything_published() -> str:
    return str(list(OutboxEntry.objects.values_list("data", flat=True)))


def test_an_erased_account_is_forgotten_everywhere(account_id):
    call_command("erase_account", str(account_id))
    testing.deliver()

    account, profile = Account.objects.get(), Profile.objects.get()
    assert EMAIL not in everything_published()
    assert NAME not in everything_published()
    assert (account.full_name, account.user.full_name, account.user.is_active) == (
        "erased",
        "",
        False,
    )
    assert (profile.email, profile.full_name) == ("", "")
    assert account.user.auth_token_set.count() == 0
    with pytest.raises(identity.CredentialsRefused):
        identity.issue_token(email=EMAIL, password=PASSWORD)


def test_the_address_is_free_again(account_id):
    commands.erase_account(account_id=account_id)

    again = commands.register_account(email=EMAIL, password=PASSWORD, full_name=NAME)

    assert again.account_id != account_id


def test_a_rebuild_does_not_bring_it_back(account_id):
    commands.erase_account(account_id=account_id)
    testing.deliver()
    before = story.projected()

    call_command("crm_rebuild")

    assert story.projected() == before
    assert Profile.objects.get().email == ""


def test_erasing_again_changes_nothing(account_id):
    commands.erase_account(account_id=account_id)
    testing.deliver()
    before = story.projected()

    commands.erase_account(account_id=account_id)
    testing.deliver()

    assert story.projected()["Provider"] == before["Provider"]
    assert Profile.objects.get().email == ""


def test_an_unknown_account_cannot_be_erased(db):
    with pytest.raises(CommandError, match="There is no account"):
        call_command("erase_account", str(uuid.uuid4()))
