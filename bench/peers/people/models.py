from django.contrib.auth.models import AbstractUser
from django.db import models
from django_scim.adapters import SCIMUser
from django_scim.models import AbstractSCIMGroupMixin, AbstractSCIMUserMixin


class Circle(AbstractSCIMGroupMixin):
    name = models.CharField(max_length=200, blank=True, default="")


class Person(AbstractSCIMUserMixin, AbstractUser):
    scim_groups = models.ManyToManyField(Circle, related_name="user_set")


class PersonAdapter(SCIMUser):
    """The user name as directories send it: an address is one."""

    def handle_replace(self, path, value, operation):
        if path.first_path == ("active", None, None):
            self.obj.is_active = value
            self.save()
            return
        super().handle_replace(path, value, operation)
