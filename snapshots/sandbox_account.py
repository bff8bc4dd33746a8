"""The account that the portal uses in the sandbox: the sandbox knows it, the portal signs in with
it. It is published, and opens nothing else.
"""

USERNAME = "sandbox"
PASSWORD = "open-sesame-sandbox"  # noqa: S105 - opens nothing but the sandbox
DOMAIN = "sandbox-account"
REGION = "sandbox-1"
PROJECT_NAME = REGION
