"""A referral remembers the form that it came from and a digest of its words: sent again, it makes no second one."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("orders", "0003_moves_can_be_taken_back")]

    operations = [
        migrations.AddField("referral", "idempotency_key", models.CharField(blank=True, default="", max_length=100)),
        migrations.AddField("referral", "form_digest", models.CharField(blank=True, default="", max_length=64)),
        migrations.AddConstraint(
            "referral",
            models.UniqueConstraint(
                name="referral_once_per_form",
                fields=["idempotency_key"],
                condition=~models.Q(idempotency_key=""),
            ),
        ),
    ]
