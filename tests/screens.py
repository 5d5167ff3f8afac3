"""Contact sheets of every screen, in both languages and every theme, into docs/screens/: `make screens`.

The pages are the real ones in Debian's Chromium, over the stage of the tests: no instrument, no measured value of
anybody, nothing that moves. A sheet is one WebP of labelled pictures.
"""

from __future__ import annotations

import asyncio
import io
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from cabin_agent.wording import Language
from tests.browser import chromium, screens_at
from tests.gallery import LANGUAGES, ROOMS, THEMES, Theme, dress

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "screens"
SHEETS = {
    "kiosk": "kiosk",
    "unpaired": "kiosk",
    "updated": "kiosk",
    "nurse": "staff",
    "technician": "staff",
    "doctor": "doctor",
    "call": "doctor",
    "lost": "doctor",
}
"""Which sheet the pictures of a room come on."""
COLUMNS = 4
WIDTH = 560
"""Of one picture on a sheet, in pixels."""
LABEL = 26
GAP = 10
QUALITY = 62
PAPER, INK = "#3a4240", "#ffffff"

Labelled = tuple[str, Image.Image]
Sheets = dict[tuple[str, Language, Theme], list[Labelled]]


async def photograph(endpoint: str, language: Language, sheets: Sheets) -> None:
    """Every picture of every room in one language, in each theme."""
    async with screens_at(endpoint) as screens:
        for room, pictures in ROOMS.items():
            async for name, page in pictures(screens, language):
                for theme in THEMES:
                    await dress(page, theme)
                    taken = await page.screenshot(animations="disabled", caret="hide")
                    sheets[SHEETS[room], language, theme].append((name, _small(taken)))
                await dress(page, "normal")


def compose(pictures: Sequence[Labelled]) -> Image.Image:
    """One sheet: the pictures in rows, each below its name."""
    height = max(picture.height for _, picture in pictures)
    rows = -(-len(pictures) // COLUMNS)
    cell = (WIDTH + GAP, height + LABEL + GAP)
    sheet = Image.new("RGB", (COLUMNS * cell[0] + GAP, rows * cell[1] + GAP), PAPER)
    pen = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(16)
    for place, (name, picture) in enumerate(pictures):
        x, y = GAP + place % COLUMNS * cell[0], GAP + place // COLUMNS * cell[1]
        pen.text((x, y), name, INK, font)
        sheet.paste(picture, (x, y + LABEL))
    return sheet


def _small(png: bytes) -> Image.Image:
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    return picture.resize((WIDTH, round(picture.height * WIDTH / picture.width)), Image.Resampling.LANCZOS)


async def main() -> None:
    """Take every picture and write the sheets."""
    began = time.monotonic()
    sheets: Sheets = defaultdict(list)
    with chromium() as endpoint:
        await asyncio.gather(*(photograph(endpoint, language, sheets) for language in LANGUAGES))
    FOLDER.mkdir(parents=True, exist_ok=True)
    for (sheet, language, theme), pictures in sorted(sheets.items()):
        file = FOLDER / f"{sheet}-{language}-{theme}.webp"
        compose(pictures).save(file, quality=QUALITY, method=4)
        print(f"{file.name}: {len(pictures)} pictures, {file.stat().st_size // 1024} kB")
    print(
        f"{sum(file.stat().st_size for file in FOLDER.glob('*.webp')) // 1024} kB in {time.monotonic() - began:.0f} s"
    )


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
