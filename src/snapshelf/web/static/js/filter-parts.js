// Each filter by itself: {element, sync(filters), count(facets)?}.

import { amount, someOrNull } from "./address.js";
import { el } from "./dom.js";
import { whole } from "./format.js";
import { capitalised, readable } from "./labels.js";
import { text } from "./words.js";

const MOST_CHIPS = 12; // with more categories than this, a list to choose from
const MOST_LISTS = 5; // of attributes

export const categoryPart = (categories, change) =>
  categories.length > MOST_CHIPS ? categoryList(categories, change) : categoryChips(categories, change);

function categoryChips(categories, change) {
  const chips = new Map([[null, countedChip(text("filters.all"), () => change({ category: null }))]]);
  for (const { name } of categories) {
    chips.set(name, countedChip(capitalised(readable(name)), () => change({ category: name })));
  }
  const show = (counts) => chips.forEach((chip, name) => name !== null && setCount(chip, counts[name] ?? 0));
  show(Object.fromEntries(categories.map((category) => [category.name, category.num_products])));
  return {
    element: el("div", { class: "chips", role: "group", "aria-label": text("filters.category") }, ...chips.values()),
    sync: ({ category }) => {
      for (const [name, chip] of chips) chip.setAttribute("aria-pressed", String(name === category));
      showInRow(chips.get(category) ?? chips.get(null));
    },
    count: (facets) => show(facets.categories),
  };
}

/** A chip with room for how many products it would leave. */
function countedChip(words, onClick) {
  const figure = el("span", { class: "figure", "aria-hidden": "true" });
  return el("button", { class: "chip", type: "button", on: { click: onClick } }, words, figure);
}

function setCount(chip, number) {
  chip.querySelector(".figure").textContent = whole(number);
  chip.setAttribute("aria-description", text("results.count", { count: number }));
  chip.classList.toggle("empty", number === 0);
}

/** Brings the chosen chip into view, once, when the row is there. Scrolls the row alone: the page stays where it is. */
function showInRow(button) {
  const row = button.parentElement;
  if (row.clientWidth === 0 || row.shown === button) return;
  row.shown = button;
  row.scrollTo({ left: button.offsetLeft - (row.clientWidth - button.offsetWidth) / 2, behavior: "smooth" });
}

function categoryList(categories, change) {
  const choices = categories.map(({ name, num_products }) => [name, capitalised(readable(name)), num_products]);
  const onChoice = (value) => change({ category: value });
  const { element, select, count } = countedList(text("filters.category"), text("filters.all_categories"), choices, onChoice);
  return { element, sync: ({ category }) => choose(select, category), count: (facets) => count(facets.categories) };
}

/** A list of values with counts; `choices` are [value, words, number], `onChoice` takes a value or null. */
function countedList(name, all, choices, onChoice) {
  const options = new Map(choices.map(([value]) => [value, el("option", { value })]));
  const count = (counts) => {
    for (const [value, words] of choices) options.get(value).textContent = `${words} (${whole(counts[value] ?? 0)})`;
  };
  count(Object.fromEntries(choices.map(([value, , number]) => [value, number])));
  const select = el(
    "select",
    { class: "chip", "aria-label": name, on: { change: () => onChoice(select.value || null) } },
    el("option", { value: "", text: all }),
    ...options.values(),
  );
  return { element: select, select, count };
}

function choose(select, value) {
  select.value = value ?? "";
  select.classList.toggle("chosen", value !== null);
}

export function stockPart(facets, change) {
  const toggle = () => change({ in_stock: chip.getAttribute("aria-pressed") === "true" ? null : true });
  const chip = countedChip(text("stock.in"), toggle);
  setCount(chip, facets.num_in_stock);
  return {
    element: chip,
    sync: ({ in_stock }) => chip.setAttribute("aria-pressed", String(in_stock === true)),
    count: ({ num_in_stock }) => setCount(chip, num_in_stock),
  };
}

export function pricePart(facets, change) {
  const [least, most] = [priceField(text("filters.price_from")), priceField(text("filters.price_to"))];
  const hint = el("p", { class: "hint", role: "alert", hidden: true, text: text("filters.price_order") });
  const read = () => ({ price_min: amount(least.value), price_max: amount(most.value) });
  const onInput = () => {
    const { price_min, price_max } = read();
    hint.hidden = price_min === null || price_max === null || price_min <= price_max;
    if (hint.hidden) change({ price_min, price_max });
  };
  for (const input of [least, most]) input.addEventListener("input", onInput);
  const mark = (sign) => el("span", { "aria-hidden": "true", text: sign });
  const box = el("span", { class: "chip price-box" }, mark(text("filters.price")), least, mark("–"), most);
  const sync = ({ price_min, price_max }) => {
    if (!hint.hidden && box.contains(document.activeElement)) return; // being typed
    hint.hidden = true;
    write(least, price_min);
    write(most, price_max);
    box.classList.toggle("chosen", price_min !== null || price_max !== null);
  };
  const count = ({ price_min, price_max }) => {
    least.placeholder = price_min === null ? text("filters.from") : whole(Math.floor(price_min));
    most.placeholder = price_max === null ? text("filters.to") : whole(Math.ceil(price_max));
  };
  count(facets);
  return { element: el("div", { class: "price", role: "group", "aria-label": text("filters.price") }, box, hint), sync, count };
}

function priceField(label) {
  const number = { type: "number", min: 0, step: "any", inputmode: "decimal" };
  return el("input", { ...number, "aria-label": label });
}

/** Leaves a field alone that already says so, so that «12.» can become «12.5». */
function write(input, value) {
  if (amount(input.value) !== value) input.value = value ?? "";
}

/** Words that the products should have: those that have them come first. */
export function wordsPart(change) {
  const field = el("input", {
    class: "chip words", type: "search", maxlength: 200, enterkeyhint: "search", placeholder: text("filters.words_example"),
    "aria-label": text("filters.words"), on: { input: () => change({ text: field.value.trim() || null }) },
  });
  const sync = ({ text: wanted }) => {
    if ((field.value.trim() || null) !== wanted) field.value = wanted ?? "";
    field.classList.toggle("chosen", wanted !== null);
  };
  return { element: field, sync };
}

/** A list for each attribute that tells products apart, the ones that most products have first. */
export function attributeParts(facets, state, change) {
  const total = (values) => Object.values(values).reduce((sum, number) => sum + number, 0);
  return Object.entries(facets.attributes)
    .filter(([, values]) => Object.keys(values).length > 1)
    .sort(([, one], [, other]) => total(other) - total(one))
    .slice(0, MOST_LISTS)
    .map(([name, values]) => attributeList(name, values, state, change));
}

function attributeList(name, values, state, change) {
  const own = (pair) => pair.startsWith(`${name}:`);
  const onChoice = (value) => {
    const others = (state.get().filters.attribute ?? []).filter((pair) => !own(pair));
    change({ attribute: someOrNull(value === null ? others : [...others, `${name}:${value}`]) });
  };
  const choices = Object.entries(values).map(([value, number]) => [value, value, number]);
  const { element, select, count } = countedList(capitalised(readable(name)), text("filters.any", { name }), choices, onChoice);
  return {
    element,
    sync: ({ attribute }) => choose(select, attribute?.find(own)?.slice(name.length + 1) ?? null),
    count: ({ attributes }) => count(attributes[name] ?? {}),
  };
}
