// Runs in the technician's page: notes when a spike of the ECG appears in the pixels of the canvas.
//
// One line of pixels is read back after each frame was painted: halfway up the spike of the first lane, where nothing
// else is ever drawn. A pixel that was dark and is lit is a spike that has just been drawn there.
window.benchSpikes = (row, lit) => {
  const canvas = document.querySelector("canvas");
  const pen = canvas.getContext("2d");
  const seen = (window.benchSeen = []);
  let before = null;
  const read = () => {
    const { data } = pen.getImageData(0, row, canvas.width >> 1, 1);
    const at = performance.now();
    const now = new Uint8Array(canvas.width >> 1);
    for (let x = 0; x < now.length; x++) now[x] = data[4 * x + 1] > lit ? 1 : 0;
    const fresh = before ? now.reduce((sum, each, x) => sum + (each && !before[x] ? 1 : 0), 0) : 0;
    if (fresh) seen.push([at, fresh]);
    before = now;
  };
  // A message sent from an animation frame is handled after that frame was painted.
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = read;
  (function frame() {
    port2.postMessage(0);
    requestAnimationFrame(frame);
  })();
};
