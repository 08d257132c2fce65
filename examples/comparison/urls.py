"""The project's URLs, and the one that CRM needs to be commanded."""

from django.apps import apps
from django.urls import path

from config.urls import urlpatterns as ours

urlpatterns = list(ours)
if apps.is_installed("crm"):
    from examples.comparison.commanded import crm_side

    urlpatterns.insert(0, path("commands/create-profile", crm_side.create_profile))
