"""What Django's page of an error shows with EVSPORTAL_DEBUG: no setting that is a secret."""

import re

from django.views.debug import SafeExceptionReporterFilter

from evsportal.variables import VARIABLES


class SecretSettings(SafeExceptionReporterFilter):
    """Django knows secrets by words in their names, which an address with a password has not."""

    hidden_settings = re.compile(
        "|".join(
            [
                SafeExceptionReporterFilter.hidden_settings.pattern,
                *(variable.name for variable in VARIABLES if variable.is_secret),
            ]
        ),
        re.IGNORECASE,
    )
