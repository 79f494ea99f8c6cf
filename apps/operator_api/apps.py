from django.apps import AppConfig


class OperatorApiConfig(AppConfig):
    name = "apps.operator_api"
    label = "operator_api"
    verbose_name = "Operator API"
    default_auto_field = "django.db.models.BigAutoField"
