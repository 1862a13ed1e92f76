// The store's accent colour, made legible in light and in dark. Set through CSSOM, which the page's CSP allows.

const LIGHT_PAGE = [232, 240, 236];
const DARK_PAGE = [42, 54, 50]; // the lightest it is written on: a chosen chip
const WHITE = [255, 255, 255];
const BLACK = [17, 19, 18];
const LEGIBLE = 4.6; // WCAG asks for 4.5 to 1
const STEP = 0.06;

/**
 * Sets on the root element, for `light` and `dark`: --accent-ink-… (text and lines), --accent-fill-… (buttons) and
 * --on-accent-… (text on buttons). In light the fill is the store's very colour.
 */
export function applyAccent(accent, root = document.documentElement) {
  if (!/^#[0-9a-f]{6}$/i.test(accent ?? "")) return;
  const colour = [1, 3, 5].map((at) => Number.parseInt(accent.slice(at, at + 2), 16));
  root.style.setProperty("--accent", accent);
  setTheme(root, "light", colour, legibleOn(LIGHT_PAGE, colour, BLACK));
  const lit = legibleOn(DARK_PAGE, colour, WHITE);
  setTheme(root, "dark", lit, lit);
}

function setTheme(root, name, fill, ink) {
  root.style.setProperty(`--accent-fill-${name}`, css(fill));
  root.style.setProperty(`--accent-ink-${name}`, css(ink));
  root.style.setProperty(`--on-accent-${name}`, css(contrast(fill, WHITE) >= contrast(fill, BLACK) ? WHITE : BLACK));
}

/** The colour, mixed with black or white just as far as it takes to read it on the page. */
function legibleOn(page, colour, towards) {
  let mixed = colour;
  for (let share = 0; share <= 1 && contrast(mixed, page) < LEGIBLE; share += STEP) {
    mixed = colour.map((channel, at) => Math.round(channel + (towards[at] - channel) * share));
  }
  return mixed;
}

/** WCAG 2's contrast ratio, 1 to 21. */
function contrast(one, other) {
  const [darker, lighter] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

function luminance(colour) {
  const [red, green, blue] = colour.map((channel) => {
    const share = channel / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

const css = (colour) => `rgb(${colour.join(" ")})`;
