"""The way out of CRM: mail over SMTP."""
