"""django-scim2 with people and groups in a database: the least that its documentation asks for."""
import os
from urllib.parse import urlparse

SECRET_KEY = "bench"
DEBUG = False
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "people", "django_scim"]
AUTH_USER_MODEL = "people.Person"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MIDDLEWARE = ["people.bearer.Bearer", "django_scim.middleware.SCIMAuthCheckMiddleware"]
ROOT_URLCONF = "people.urls"
if os.environ.get("PEOPLE_SOCKET"):
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "HOST": os.environ["PEOPLE_SOCKET"],
            "NAME": os.environ["PEOPLE_DATABASE"],
            "USER": "postgres",
            "CONN_MAX_AGE": None,
        }
    }
else:
    # Acknowledged changes are on the disk, as ours are.
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.environ["PEOPLE_DATABASE"],
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=20000;",
                "transaction_mode": "IMMEDIATE",
            },
        }
    }
SCIM_SERVICE_PROVIDER = {
    "NETLOC": "127.0.0.1",
    "SCHEME": "http",
    "AUTHENTICATION_SCHEMES": [{"type": "oauthbearertoken", "name": "Bearer", "description": "A token"}],
    "GROUP_MODEL": "people.models.Circle",
    "USER_ADAPTER": "people.models.PersonAdapter",
}
