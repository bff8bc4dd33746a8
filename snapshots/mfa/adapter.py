"""What allauth stores of a factor is encrypted."""

from allauth.mfa.adapter import DefaultMFAAdapter

from snapshots.sealed import seal, unseal


class MFAAdapter(DefaultMFAAdapter):
    def encrypt(self, text: str) -> str:
        return seal(text)

    def decrypt(self, encrypted_text: str) -> str:
        text = unseal(encrypted_text)
        if text is None:
            raise ValueError("It was encrypted with a key that is not known any more.")
        return text
