"""Every URL of the project; a context's API is served only where its app is installed."""

from django.apps import apps
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path, re_path

from config import health
from identity import fallbacks

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("livez", health.livez),
    path("readyz", health.readyz),
    path("api/v1/", include("identity.api.reference")),
    path("api/v1/", include("identity.api.urls")),
]
if apps.is_installed("booking"):
    urlpatterns.append(path("api/v1/", include("booking.api.urls")))
if apps.is_installed("crm"):
    urlpatterns.append(path("api/v1/crm/", include("crm.api.urls")))
urlpatterns.append(re_path("^api/", fallbacks.unknown_endpoint))

handler400 = fallbacks.bad_request
handler404 = fallbacks.not_found
handler500 = fallbacks.server_error
