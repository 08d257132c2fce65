"""A breaker for each partner; a healthy one has no row."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("providers", "0002_fewer_indexes"),
    ]

    operations = [
        migrations.CreateModel(
            name="Breaker",
            fields=[
                (
                    "partner",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="breaker",
                        serialize=False,
                        to="providers.partner",
                    ),
                ),
                ("failing", models.JSONField(default=dict)),
                ("rounds", models.PositiveIntegerField(default=0)),
                ("opened_at", models.DateTimeField(blank=True, null=True)),
                ("open_until", models.DateTimeField(blank=True, null=True)),
                ("asked_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("open_until__isnull", True), ("opened_at__isnull", True)),
                            models.Q(("open_until__isnull", False), ("opened_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="breaker_opened_at_iff_open",
                    )
                ],
            },
        ),
    ]
