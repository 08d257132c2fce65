"""Several senders at once, each on its own connection."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core import mail
from django.db import connection

from crm import delivery
from crm.models import Message
from tests.integration.crm.story import Story, tell_all


@pytest.mark.django_db(transaction=True)
def test_senders_that_race_send_each_message_once():
    tell_all(Story().whole_trip().events)
    ids = delivery.due(limit=10) * 8

    def send(message_id):
        try:
            delivery.send(message_id=message_id)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(send, ids))

    assert len(ids) == 16
    assert len(mail.outbox) == 2
    assert set(Message.objects.values_list("status", flat=True)) == {"sent"}
