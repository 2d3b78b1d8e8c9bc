// What is wrong with the page as it is drawn now: an object of two lists of sentences, `scrolling` and `white`.

const WIDE = "pre, table, textarea, math"; // may be wider than the page, each in a box that scrolls
const LARGE = 4000; // square pixels
const shown = [...document.body.querySelectorAll("*")].filter((each) =>
  each.checkVisibility({ visibilityProperty: true, opacityProperty: true }),
);

// An element as in a style sheet, to be found by a reader of the report.
function named(element) {
  const classes = [...element.classList].slice(0, 3).map((name) => `.${name}`);
  return element.tagName.toLowerCase() + (element.id ? `#${element.id}` : "") + classes.join("");
}

// Code and tables, what lies in them, and what holds one of them alone.
function mayScroll(element) {
  if (element.closest(WIDE)) return true;
  for (let inner = element; inner; inner = inner.firstElementChild) {
    if (inner.matches(WIDE)) return true;
    if (inner.children.length !== 1) return false;
  }
  return false;
}

function isTooWide(element) {
  return element.scrollWidth > element.clientWidth + 1;
}

// Whether the box shows what reaches beyond its edge by scrolling itself: nothing between them hides or scrolls it.
function widens(element, box) {
  for (let outer = element.parentElement; outer !== box; outer = outer.parentElement) {
    if (getComputedStyle(outer).overflowX !== "visible") return false;
  }
  return true;
}

// The innermost element that reaches beyond the right edge of a box.
function reachesBeyond(box) {
  const edge = box.getBoundingClientRect().left + box.clientWidth + 1;
  const beyond = [...box.querySelectorAll("*")].filter(
    (each) => each.getBoundingClientRect().right > edge && widens(each, box),
  );
  return beyond.find((each) => !beyond.some((other) => other !== each && each.contains(other)));
}

function scrolling() {
  const boxes = shown.filter(
    (each) => ["auto", "scroll"].includes(getComputedStyle(each).overflowX) && isTooWide(each) && !mayScroll(each),
  );
  return [document.documentElement, ...boxes].filter(isTooWide).map((box) => {
    const cause = reachesBeyond(box);
    const because = cause ? `, for ${named(cause)} "${cause.textContent.trim().slice(0, 40)}"` : "";
    return `${named(box)} has ${box.scrollWidth} in ${box.clientWidth} pixels${because}`;
  });
}

const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

// Red, green, blue and opacity, each up to 255, of any CSS colour.
function parts(colour) {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  return canvas.getImageData(0, 0, 1, 1).data;
}

// Large light boxes. A picture is none: its ground belongs to it.
function white() {
  const grounds = [document.documentElement, document.body, ...shown].map((each) => {
    const { width, height } = each.getBoundingClientRect();
    const colour = getComputedStyle(each).backgroundColor;
    const small = width * height < LARGE || each.closest("img, svg, video");
    return { each, colour, light: !small && colour !== "rgba(0, 0, 0, 0)" && isLight(parts(colour)) };
  });
  return grounds.filter(({ light }) => light).map(({ each, colour }) => `${named(each)} is ${colour}`);
}

function isLight([red, green, blue, opacity]) {
  return opacity > 127 && Math.min(red, green, blue) > 190;
}

return { scrolling: scrolling(), white: white() };
