// The sound of a call: off until someone turns it on, because a screen may not sound without a gesture.

const NOTES_HZ = [880, 660, 880];
const NOTE_S = 0.25;

export class Bell {
  on = false;

  /** On or off; turning it on lets it be heard once. */
  turn() {
    this.on = !this.on;
    if (this.on) this.ring();
  }

  ring() {
    if (!this.on) return;
    this.sound ??= new AudioContext();
    const gain = new GainNode(this.sound, { gain: 0.2 });
    gain.connect(this.sound.destination);
    NOTES_HZ.forEach((frequency, n) => {
      const note = new OscillatorNode(this.sound, { frequency });
      note.connect(gain);
      note.start(this.sound.currentTime + n * NOTE_S);
      note.stop(this.sound.currentTime + (n + 0.8) * NOTE_S);
    });
  }
}
