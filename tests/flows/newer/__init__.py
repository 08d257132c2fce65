"""A later release of the project, as a test deploys it: the table of the flow is another one."""
