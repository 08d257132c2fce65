"""The URLs of CRM, under /api/v1/crm/."""

from django.urls import path

from crm.api import views
from crm.api.unsubscribe import unsubscribe

urlpatterns = [
    path("providers", views.Desks.as_view(), name="crm-providers"),
    path("customers", views.Customers.as_view(), name="crm-customers"),
    path("customers/<uuid:account_id>", views.Customer.as_view(), name="crm-customer"),
    path("customers/<uuid:account_id>/timeline", views.Timeline.as_view(), name="crm-timeline"),
    path(
        "customers/<uuid:account_id>/preferences",
        views.Preferences.as_view(),
        name="crm-preferences",
    ),
    path("customers/<uuid:account_id>/notes", views.Notes.as_view(), name="crm-notes"),
    path("customers/<uuid:account_id>/messages", views.Messages.as_view(), name="crm-messages"),
    path("unsubscribe/<str:token>", unsubscribe, name="crm-unsubscribe"),
]
