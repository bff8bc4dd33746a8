"""Why an administrator ends a request."""

from django import forms
from django.core.exceptions import ValidationError

from snapshots.forms.secrets import looks_secret


class EndingForm(forms.Form):
    """What was seen in the cloud, in a sentence that everybody concerned will read."""

    why = forms.CharField(
        label="What did you find in the cloud?",
        max_length=255,
        help_text="The requester and auditors read it.",
        error_messages={"required": "Say what you found in the cloud."},
    )

    def clean_why(self) -> str:
        why = str(self.cleaned_data["why"])
        if looks := looks_secret(why):
            raise ValidationError(f"This looks like {looks}. Leave it out: it would be kept.")
        return why if why.endswith((".", "!", "?")) else f"{why}."
