"""What the media process refuses, each in one sentence that says what to do, in French and in English."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "bad-offer": (
        "L’appel proposé n’est pas utilisable : rechargez la page, puis rappelez.",
        "The call that was offered cannot be used: reload the page, then call again.",
    ),
    "bad-request": (
        "Cette demande n’est pas comprise : rechargez la page.",
        "This request is not understood: reload the page.",
    ),
    "bad-value": (
        "Une valeur de cette demande n’est pas acceptée : corrigez-la, puis recommencez.",
        "A value of this request is not accepted: correct it, then try again.",
    ),
    "busy": (
        "Une photo est déjà en cours d’envoi : attendez qu’elle arrive.",
        "A still picture is already being sent: wait until it has arrived.",
    ),
    "core-down": (
        "La cabine redémarre : l’image et le son continuent, recommencez dans un instant.",
        "The cabin is restarting: picture and sound go on, try again in a moment.",
    ),
    "no-picture": (
        "La caméra ne donne pas d’image : choisissez-en une autre ou attendez un instant.",
        "The camera gives no picture: choose another one or wait a moment.",
    ),
}


class Refused(Exception):
    """A request or an offer that is not met; `code` is a key of `WORDS`."""

    def __init__(self, code: str, words: str = "") -> None:
        super().__init__(words or WORDS[code][1])
        self.code = code
        self._words = words

    def sentence(self, language: str) -> str:
        """Why, in "fr", or in English for any other language."""
        french, english = WORDS[self.code]
        return self._words or (french if language == "fr" else english)
