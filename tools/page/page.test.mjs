// Opens pages that nnn-bench made in a browser, uses them as readers do, and checks what can be checked. See README.md.
import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { after, before, describe, it, test } from "node:test";
import { hostile, launch, missing, pages, required, screenshots, visit } from "./browser.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const WIDTHS = [390, 1280], SCHEMES = ["light", "dark"];
const MOST_MILLISECONDS = 2000, MOST_BYTES = 5e6, MOST_PIXELS = 12_000;
const CONTROLS = 'a[href], button, select, input, summary, [tabindex="0"]';
// What is far from the window is not laid out; for a look at the whole page it has to be.
const LAY_OUT_ALL = ".trial { content-visibility: visible !important; }";

const lacking = missing();
let browser;

if (lacking) {
  test("report.html in a browser", { skip: required ? false : lacking }, () => assert.fail(lacking));
} else {
  before(async () => { browser = await launch(); });
  after(() => browser.close());
  for (const file of pages) describe(file, () => checks(file));
}

function none(what, list) {
  if (list.length) assert.fail(`${what}, ${list.length}:\n${list.slice(0, 20).join("\n")}`);
}

function checks(file) {
  const seen = (options, look) => () => visit(browser, file, options, look);
  it("is small and opens fast, with nothing from elsewhere", t => opens(file, t));
  it("has one script, and no element that could run or load another", seen({}, isInert));
  it("sorts every table by every column", seen({}, sorts));
  it("filters the lines of a table", seen({}, filters));
  it("opens the signature of a number that is pressed", seen({}, signs));
  it("shows one trial, or everything", seen({}, chooses));
  for (const width of WIDTHS) it(`is reached by the keyboard alone, ${width} wide`, seen({ width }, isReached));
  it("says the same without scripts", () => saysTheSame(file));
  it("prints without what is pressed", seen({}, prints));
  for (const width of [320, 390]) it(`fits a width of ${width}`, seen({ width }, fits));
  for (const scheme of SCHEMES) it(`has pictures whose words are read, ${scheme}`, seen({ scheme }, picturesAreRead));
  for (const scheme of SCHEMES) for (const width of WIDTHS) {
    it(`keeps the rules of accessibility, ${scheme}, ${width} wide`, seen({ scheme, width }, keepsRules));
    if (screenshots) it(`is drawn, ${scheme}, ${width} wide`, seen({ scheme, width }, page => draw(page, file, `${width}-${scheme}`)));
  }
  if (file === hostile) it("runs nothing of what names and captions hold", seen({}, staysUnhacked));
}

// ---- opening

/** The best of three times: the machine may be busy with something else. */
async function opens(file, t) {
  const bytes = statSync(file).size, times = [];
  for (let round = 0; round < 3; round++) {
    await visit(browser, file, {}, async page => {
      times.push(await page.evaluate(() => performance.getEntriesByType("navigation")[0].loadEventStart));
    });
  }
  t.diagnostic(`${bytes} bytes, load event after ${times.map(Math.round).join(", ")} ms`);
  assert.ok(bytes < MOST_BYTES, `${bytes} bytes`);
  assert.ok(Math.min(...times) <= MOST_MILLISECONDS, `${times} ms`);
}

/** What markup that leaked from a name would leave behind. */
async function isInert(page) {
  const found = await page.evaluate(() => {
    const scheme = text => text.replace(/[\u0000-\u0020]/g, "").match(/^[a-z][a-z0-9+.-]*:|^[\\/]{2}/i)?.[0].toLowerCase();
    const all = [...document.querySelectorAll("*")], attributes = all.flatMap(it => [...it.attributes]);
    const isAddress = it => ["href", "xlink:href", "src", "srcset", "action", "formaction", "data", "poster"].includes(it.name);
    return {
      head: [...document.head.children].map(it => it.localName).join(" "),
      body: [...document.body.children].map(it => it.localName).join(" "),
      scripts: document.scripts.length,
      banned: all.filter(it => it.matches("img, iframe, frame, object, embed, form, base, meta[http-equiv=refresh i]")).map(it => it.localName),
      handlers: attributes.filter(it => /^on/i.test(it.name)).map(it => it.name),
      addresses: attributes.filter(it => isAddress(it) && ![undefined, "data:"].includes(scheme(it.value))).map(it => it.value),
      links: [...document.links].filter(it => scheme(it.getAttribute("href"))).map(it => it.outerHTML),
    };
  });
  assert.deepEqual(found, { head: "meta meta meta meta title link style", body: "a header main footer script", scripts: 1,
    banned: [], handlers: [], addresses: [], links: [] });
}

// ---- the table of numbers

/** Both orders of every column, by the keyboard. */
async function sorts(page) {
  for (const table of await page.$$(".numbers")) {
    const heads = await table.$$eval("thead th", all => all.map(it => ({ name: it.textContent, numbers: it.classList.contains("n") })));
    assert.ok(heads.length > 6);
    for (const [at, head] of heads.entries()) {
      for (const order of ["descending", "ascending"]) {
        await (await table.$(`thead th:nth-child(${at + 1}) button`)).press("Enter");
        const { texts, orders } = await table.evaluate(readColumn, at);
        assert.deepEqual(orders, heads.map((_, other) => (other === at ? order : null)), `aria-sort after ${head.name}`);
        assertSorted(texts, head, order);
      }
    }
  }
}

function readColumn(table, at) {
  return {
    texts: [...table.tBodies[0].rows].map(row => row.cells[at].textContent.trim()),
    orders: [...table.tHead.rows[0].cells].map(head => head.getAttribute("aria-sort")),
  };
}

function assertSorted(texts, head, order) {
  const isEmpty = text => text === "" || text === "–";
  const first = texts.findIndex(isEmpty), full = first < 0 ? texts : texts.slice(0, first);
  assert.ok(texts.slice(full.length).every(isEmpty), `${head.name}, ${order}: what is empty is not last`);
  const number = text => parseFloat(text.replace(/[▲▼<,]/g, "").trim());
  if (head.numbers) none(`not numbers in ${head.name}`, full.filter(text => Number.isNaN(number(text))));
  const compare = head.numbers ? (a, b) => number(a) - number(b) : (a, b) => a.localeCompare(b, "en", { numeric: true });
  for (let at = 1; at < full.length; at++) {
    const difference = compare(full[at - 1], full[at]);
    assert.ok(order === "ascending" ? difference <= 0 : difference >= 0, `${head.name}, ${order}: ${full[at - 1]} stands before ${full[at]}`);
  }
}

async function filters(page) {
  const tables = await page.$$(".numbers"), boxes = await page.$$('label input[type="search"]');
  assert.equal(boxes.length, tables.length);
  for (const [at, box] of boxes.entries()) {
    const lines = () => tables[at].$$eval("tbody tr", rows => rows.map(row => [row.textContent.toLowerCase(), row.checkVisibility()]));
    const words = (await tables[at].$$eval("tbody tr:last-child > *", cells => cells.map(it => it.textContent))).slice(3, 7).filter(Boolean);
    for (const word of [...words, "nothing has this"]) {
      await box.click({ count: 3 });
      await box.press("Backspace");
      await box.type(word.slice(0, 20));
      const part = word.slice(0, 20).trim().toLowerCase();
      for (const [text, shown] of await lines()) assert.equal(shown, text.includes(part), `${part} in ${text}`);
    }
    await box.click({ count: 3 });
    await box.press("Backspace");
    assert.ok((await lines()).every(([, shown]) => shown), "an empty filter hides nothing");
  }
}

/** A press on each number of two lines. Of a line whose signatures differ beyond the metric, all are there. */
async function signs(page) {
  for (const table of await page.$$(".numbers")) {
    const heads = await table.$$eval("thead th", all => all.map(it => it.textContent)), headline = heads[6];
    for (const row of [await table.$("tbody tr:first-child"), await table.$("tbody tr:last-child")]) {
      for (const [at, cell] of (await row.$$(":scope > *")).entries()) {
        if (!await cell.evaluate(it => it.matches("td.n") && /\d/.test(it.textContent))) continue;
        await row.$eval("details", it => { it.open = false; });
        await cell.click();
        const codes = await row.$$eval("details[open] code", all => all.map(it => it.textContent));
        const metric = ["Gain", "p"].includes(heads[at]) ? headline : heads[at];
        assert.ok(codes.some(it => it.startsWith(metric)), `${heads[at]}: ${codes}`);
        assert.ok(codes.every(it => !it.includes("METRIC")), `${codes}`);
      }
    }
  }
}

// ---- one trial

/** Parts with a trial are its own; parts with a task only belong to all of its trials. */
async function chooses(page) {
  const options = await page.$$eval("#trial option", all => all.map(it => ({ trial: it.value, setup: it.dataset.setup })));
  const parts = () => page.$$eval("[data-setup]:not(option)", all =>
    all.map(it => ({ name: `${it.localName} ${it.className}`, trial: it.dataset.trial, setup: it.dataset.setup, shown: it.checkVisibility() })));
  assert.equal(options[0].trial, "");
  await page.evaluate(() => scrollTo(0, document.documentElement.scrollHeight));
  assert.ok(await page.$eval(".chooser", it => it.getBoundingClientRect().bottom > 0), "the list of trials does not stay in sight");
  for (const chosen of [...options, options[0]]) {
    await page.select("#trial", chosen.trial);
    for (const part of await parts()) {
      const own = !chosen.trial || (part.trial ? part.trial === chosen.trial : part.setup === chosen.setup);
      assert.equal(part.shown, own, `${part.name} of ${part.trial ?? part.setup} with ${chosen.trial || "everything"}`);
    }
  }
}

// ---- the keyboard

/** Tab from the start of the page reaches every control and leaves the page at last; the way back ends too. */
async function isReached(page) {
  const names = await page.evaluate(controls => {
    window.controls = [...document.querySelectorAll(controls)].filter(it => it.checkVisibility());
    return window.controls.map(it => it.outerHTML.slice(0, 120));
  }, CONTROLS);
  // A press takes a tenth of a second in a page of thousands of controls: of those, the first and the last 300.
  const [first, last] = names.length > 1000 ? [300, names.length - 300] : [names.length, names.length];
  const reached = await walk(page, first);
  if (first < last) {
    await page.evaluate(at => window.controls[at - 1].focus(), last);
    for (const at of await walk(page, 300)) reached.add(at);
  }
  none("not reached", names.filter((_, at) => (at < first || at >= last) && !reached.has(at)));
  assert.equal(await page.evaluate(readFocus), null, "Tab does not leave the page");
  await page.keyboard.down("Shift");
  assert.ok((await walk(page, Math.min(names.length, 300))).size > 1, "Shift and Tab do not lead back");
  await page.keyboard.up("Shift");
}

/** Presses Tab until the focus leaves the page, or as often as told; wherever it stops, it has to be seen. */
async function walk(page, presses) {
  const reached = new Set();
  for (let press = 0; press < presses + 20; press++) {
    await page.keyboard.press("Tab");
    const focus = await page.evaluate(readFocus);
    if (!focus) break;
    assert.ok(focus.outlined, `no outline: ${focus.html}`);
    assert.ok(!focus.covered, `under the bar at the top: ${focus.html}`);
    reached.add(focus.place);
  }
  return reached;
}

function readFocus() {
  const it = document.activeElement;
  if (!it || it === document.body) return null;
  const style = getComputedStyle(it), bar = document.querySelector(".chooser");
  const own = it.getBoundingClientRect(), under = bar.getBoundingClientRect(), middle = (own.top + own.bottom) / 2;
  return {
    place: window.controls.indexOf(it),
    html: it.outerHTML.slice(0, 120),
    outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1,
    covered: !bar.contains(it) && own.height < 100 && middle > under.top && middle < under.bottom,
  };
}

// ---- rules, scripts, widths, paper

/** Every rule of axe for levels A and AA and for good practice, on all of the page. */
async function keepsRules(page) {
  await page.addStyleTag({ content: LAY_OUT_ALL });
  await shorten(page);
  await openDetails(page);
  await page.evaluate(AXE);
  none("broken rules", await page.evaluate(async () => {
    const { violations } = await axe.run(document, { resultTypes: ["violations"], rules: { "target-size": { enabled: true } } });
    const place = it => `\n  ${it.target}\n    ${it.html.slice(0, 200)}\n    ${it.failureSummary}`;
    return violations.map(rule => `${rule.id}, ${rule.nodes.length} times: ${rule.help}${rule.nodes.slice(0, 4).map(place).join("")}`);
  }));
}

/** The rule of contrast for words in pictures, which axe does not look at. */
async function picturesAreRead(page) {
  none("words in pictures that are hard to read", await page.evaluate(() => {
    const light = part => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    const luminance = colour => {
      const [red, green, blue] = colour.match(/[\d.]+/g).map(it => light(it / 255));
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const paper = luminance(getComputedStyle(document.documentElement).backgroundColor);
    const contrast = colour => (Math.max(luminance(colour), paper) + 0.05) / (Math.min(luminance(colour), paper) + 0.05);
    const isRead = ({ fill, stroke }) => stroke === "none" && contrast(fill) >= 4.5;
    const say = it => `${it.closest("svg").getAttribute("aria-label")}: ${it.textContent}, stroke ${getComputedStyle(it).stroke}`;
    return [...document.querySelectorAll("svg text")].filter(it => !isRead(getComputedStyle(it))).map(say);
  }));
}

/** Leaves of the lines of a table that are built alike only five, as the rules take minutes for thousands. */
function shorten(page) {
  return page.evaluate(() => {
    for (const body of document.querySelectorAll("tbody")) {
      const counts = new Map();
      for (const row of [...body.rows]) {
        const kind = [row, ...row.querySelectorAll("*")].map(it => it.localName + it.getAttribute("class")).join();
        counts.set(kind, (counts.get(kind) ?? 0) + 1);
        if (counts.get(kind) > 5) row.remove();
      }
    }
  });
}

function openDetails(page) {
  return page.evaluate(() => { for (const it of document.querySelectorAll("details")) it.open = true; });
}

async function saysTheSame(file) {
  const read = () => {
    const main = document.querySelector("main").cloneNode(true);
    for (const label of main.querySelectorAll('label:has(input[type="search"])')) label.remove();
    return main.textContent;
  };
  let text;
  await visit(browser, file, {}, async page => { text = await page.evaluate(read); });
  await visit(browser, file, { scripts: false }, async page => {
    assert.equal(await page.evaluate(read), text);
    const shown = await page.$$eval("article, tr, .setup", all => all.every(it => it.closest("details") || it.checkVisibility()));
    assert.ok(shown, "a part is hidden");
    assert.equal(await page.$eval(".chooser", it => it.checkVisibility()), false);
    assert.equal(await page.$("button, input"), null, "a control that does nothing");
  });
}

/** The page does not move sideways; what is wider than the window moves in its own box. No picture cuts its words. */
async function fits(page) {
  await page.addStyleTag({ content: LAY_OUT_ALL });
  await openDetails(page);
  const found = await page.evaluate(() => {
    const name = it => `${it.localName}.${it.getAttribute("class") ?? ""} "${it.textContent.trim().slice(0, 80)}"`;
    const all = [...document.body.querySelectorAll("*:not(script)")].filter(it => !it.closest(".skip, .hidden"));
    const moves = it => it.scrollWidth > it.clientWidth + 1 && /auto|scroll/.test(getComputedStyle(it).overflowX);
    // A text can be wider than its element, which ends where the window does.
    const words = it => [...it.childNodes].filter(node => node.nodeType === Node.TEXT_NODE && node.data.trim());
    const rects = node => { const range = document.createRange(); range.selectNodeContents(node); return [...range.getClientRects()]; };
    const out = (it, left, right) => words(it).flatMap(rects).some(rect => rect.left < left - 1 || rect.right > right + 1);
    const frame = it => it.closest("svg").getBoundingClientRect();
    return {
      over: document.documentElement.scrollWidth - innerWidth,
      moving: all.filter(it => !it.matches(".wide, select") && moves(it)).map(name),
      leaving: all.filter(it => !it.closest(".wide, svg, select") && out(it, 0, innerWidth)).map(name),
      cut: all.filter(it => it.matches("svg text") && out(it, frame(it).left, frame(it).right)).map(name),
    };
  });
  assert.deepEqual(found, { over: 0, moving: [], leaving: [], cut: [] });
}

async function prints(page) {
  const pdf = await page.pdf({ format: "A4", timeout: 120_000 });
  assert.equal(Buffer.from(pdf.slice(0, 5)).toString(), "%PDF-");
  await page.emulateMediaType("print");
  for (const part of [".chooser", "nav", ".skip"]) assert.equal(await page.$eval(part, it => it.checkVisibility()), false, part);
  assert.ok(await page.$eval("main", it => it.checkVisibility()));
}

async function draw(page, file, name) {
  await page.addStyleTag({ content: LAY_OUT_ALL });
  const { width, height } = await page.evaluate(() => ({ width: innerWidth, height: document.documentElement.scrollHeight }));
  const own = `${path.basename(path.dirname(file))}-${path.basename(file, ".html")}-${name}.png`;
  await page.screenshot({ path: path.join(screenshots, own), captureBeyondViewport: true,
    clip: { x: 0, y: 0, width, height: Math.min(height, MOST_PIXELS) } });
}

// ---- names that are markup

/** Uses every control, then asks whether anything of a name ran. */
async function staysUnhacked(page) {
  assert.ok((await page.$eval("main", it => it.textContent)).includes("<script>"), "the page holds no hostile name");
  await openDetails(page);
  for (const trial of await page.$$eval("#trial option", all => all.map(it => it.value))) await page.select("#trial", trial);
  await page.select("#trial", "");
  for (const control of await page.$$("button, summary, td.n, .picture, a[href^='#']:not(.skip)")) {
    await control.hover();
    await control.click();
  }
  for (const box of await page.$$("input")) await box.type("<script>window.hacked=6</script>");
  await isInert(page);
  assert.equal(await page.evaluate(() => typeof window.hacked), "undefined");
}
