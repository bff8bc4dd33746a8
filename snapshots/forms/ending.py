"""Why somebody ends a request that the portal cannot."""

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from snapshots.forms.secrets import looks_secret
from snapshots.localized import ended


class EndingForm(forms.Form):
    """What was seen in the cloud, in a sentence that everybody concerned will read."""

    why = forms.CharField(
        label=gettext_lazy("What did you find in the cloud?"),
        max_length=255,
        help_text=gettext_lazy("The requester and auditors read it."),
        error_messages={"required": gettext_lazy("Say what you found in the cloud.")},
    )

    def clean_why(self) -> str:
        why = str(self.cleaned_data["why"])
        if looks := looks_secret(why):
            raise ValidationError(
                _("This looks like {kind}. Leave it out: it would be kept.").format(kind=_(looks))
            )
        return ended(why)
