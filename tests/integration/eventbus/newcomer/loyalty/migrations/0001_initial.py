from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.CreateModel(
            name="Award",
            fields=[
                ("reservation_id", models.UUIDField(primary_key=True, serialize=False)),
                ("account_id", models.UUIDField(db_index=True)),
                ("points", models.PositiveIntegerField()),
            ],
        ),
    ]
