"""`make fuzz`: thousands of requests made from the OpenAPI document, right and wrong, against the served API."""
