// What a model's numbers mean, as the server says it (recommend/prediction.py) where products have no say. Pure.

const MOST = 5;

/**
 * @param {Float32Array} logits of one photo
 * @param {number | null} familiarity
 * @param recipe as exported beside the model: labels, temperature, verdicts
 * @returns {{label: string, probability: number, verdict: string, top: {label: string, probability: number}[]}}
 */
export function predicted(logits, familiarity, { labels, temperature, verdicts }) {
  const highest = Math.max(...logits);
  const weights = Array.from(logits, (logit) => Math.exp((logit - highest) / temperature));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const top = labels
    .map((label, at) => ({ label, probability: weights[at] / total }))
    .sort((one, other) => other.probability - one.probability || (one.label < other.label ? -1 : 1))
    .slice(0, MOST);
  return { ...top[0], verdict: verdictOf(top[0].probability, familiarity, verdicts), top };
}

function verdictOf(probability, familiarity, { confident, likely, unknown_below, unsure_below }) {
  const isBelow = (least) => least !== null && familiarity !== null && familiarity < least;
  if (isBelow(unknown_below)) return "unknown";
  if (isBelow(unsure_below)) return "unsure";
  if (probability >= confident) return "confident";
  return probability >= likely ? "likely" : "unsure";
}
