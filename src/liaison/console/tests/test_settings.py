import pytest
from django.db import connection


@pytest.mark.django_db
def test_x():
    with connection.cursor() as c:
        c.execute("select current_database(), current_setting('search_path')")
        print(c.fetchone())
        c.execute("select count(*) from accounts_user")
