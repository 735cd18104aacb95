import { heatCanvas } from '../image/heat.js';
import { colourParts } from '../image/mask.js';
import { colourOf } from '../palette.js';

const TRUTH = '#ffe45c';

/** What lies over the image, as the stage takes it: masks or a map of the answer, and the outlines of the ground truth. */
export async function overlays(session, display) {
  const layers = [];
  if (session.isShown) layers.push(...(display.mode === 'mask' ? maskLayers(session, display) : await mapLayers(session, display)));
  const truths = (session.truth?.layers ?? []).filter(({ value }) => !(session.labels.areSeveral && display.hidden.has(value)));
  for (const { mask } of truths) layers.push({ contour: mask.contour(), colour: TRUTH, dash: [6, 4] });
  return layers;
}

/** Every mask that is not hidden, in its label's colour; objects one by one in colours of their own. */
function maskLayers(session, display) {
  const { current, labels, task } = session;
  return current.filter(({ label }) => !(label && display.hidden.has(label.value))).map(({ label, mask }, index) => {
    const colour = label?.colour ?? (current.length > 1 ? colourOf(task?.id, index) : labels.list[0].colour);
    return {
      canvas: display.isFilled ? mask.toCanvas(colourParts(colour)) : null, opacity: display.opacity,
      contour: display.hasContour ? mask.contour() : null, colour,
    };
  });
}

/** The probability or the uncertainty of the label that is chosen. */
async function mapLayers(session, display) {
  const part = session.currentOfLabel;
  const map = part?.json[display.mode === 'probability' ? 'probability_png' : 'uncertainty_png'];
  const outlined = session.isComposed && part ? part.mask : session.mask;
  return [
    ...(map ? [{ canvas: await heatCanvas(map), opacity: Math.max(0.3, display.opacity) }] : []),
    { contour: outlined.contour(), colour: '#ffffff' },
  ];
}
