"""Why there is no picture or no sound, each in one sentence that says what to do, in French and in English."""

from __future__ import annotations

from enum import Enum


class Why(Enum):
    """A cause; the words are in `sentence`."""

    NONE = "none"
    NOT_CHOSEN = "not-chosen"
    OPENING = "opening"
    STALLED = "stalled"
    SAME = "same"
    NOT_THERE = "not-there"
    LOST = "lost"
    NO_PICTURE = "no-picture"
    BAD_URL = "bad-url"
    HUNG = "hung"
    NO_PORTAUDIO = "no-portaudio"
    NOT_NAMED = "not-named"
    NO_CARD = "no-card"
    CARD_FAILED = "card-failed"


WORDS: dict[Why, tuple[str, str]] = {
    Why.NONE: ("", ""),
    Why.NOT_CHOSEN: (
        "Aucune caméra n’est choisie : choisissez-en une.",
        "No camera is chosen: choose one.",
    ),
    Why.OPENING: (
        "La caméra s’ouvre : attendez un instant.",
        "The camera is being opened: wait a moment.",
    ),
    Why.STALLED: (
        "La caméra n’envoie plus d’image : vérifiez son câble, ou attendez qu’elle reprenne.",
        "The camera sends no new picture: check its cable, or wait for it to go on.",
    ),
    Why.SAME: (
        "La caméra répète la même image : débranchez-la et rebranchez-la.",
        "The camera repeats one and the same picture: unplug it and plug it in again.",
    ),
    Why.NOT_THERE: (
        "La caméra est introuvable : vérifiez son câble et son adresse ; un nouvel essai suit.",
        "The camera is not there: check its cable and its address; it is tried again.",
    ),
    Why.LOST: (
        "La caméra ne répond plus : vérifiez son câble ; un nouvel essai suit.",
        "The camera stopped answering: check its cable; it is tried again.",
    ),
    Why.NO_PICTURE: (
        "La caméra s’ouvre mais ne donne aucune image : vérifiez qu’aucun autre programme ne l’utilise.",
        "The camera opens but gives no picture: check that no other program uses it.",
    ),
    Why.BAD_URL: (
        "L’adresse de la caméra n’est pas utilisable : corrigez-la dans les réglages.",
        "The address of the camera cannot be used: correct it in the settings.",
    ),
    Why.HUNG: (
        "La caméra a bloqué son pilote plusieurs fois : débranchez-la, puis redémarrez la vidéo.",
        "The camera has blocked its driver several times: unplug it, then restart the video.",
    ),
    Why.NO_PORTAUDIO: (
        "PortAudio manque : installez le paquet libportaudio2, puis redémarrez la vidéo.",
        "PortAudio is missing: install the package libportaudio2, then restart the video.",
    ),
    Why.NOT_NAMED: (
        "Aucune carte son n’est nommée : nommez-la dans les réglages si la cabine en a une.",
        "No sound card is named: name it in the settings if the cabin has one.",
    ),
    Why.NO_CARD: (
        "La carte son est introuvable : vérifiez son câble et son nom dans les réglages ; la recherche continue.",
        "The sound card is not there: check its cable and its name in the settings; the search goes on.",
    ),
    Why.CARD_FAILED: (
        "La carte son refuse de s’ouvrir : vérifiez qu’aucun autre programme ne l’utilise.",
        "The sound card refuses to open: check that no other program uses it.",
    ),
}


def sentence(why: Why, language: str) -> str:
    """The words in "fr", or in English for any other language."""
    french, english = WORDS[why]
    return french if language == "fr" else english
