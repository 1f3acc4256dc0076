// What the tests need before they start: a browser, the pages to open, and a tab that is watched from its first byte on.
import assert from "node:assert/strict";
import { accessSync, constants, existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

// npm runs the tests in this folder; paths are meant from where npm was called.
const from = process.env.INIT_CWD ?? process.cwd();
const given = name => (process.env[name] ?? "").split(":").filter(Boolean).map(file => path.resolve(from, file));

export const hostile = given("NNN_HOSTILE_PAGE")[0];
export const pages = [...given("NNN_PAGES"), ...(hostile ? [hostile] : [])];
export const required = process.env.NNN_PAGE_REQUIRED === "1";
export const screenshots = given("NNN_SCREENSHOTS")[0];
export const chromium = process.env.CHROMIUM ?? onPath(["chromium", "chromium-browser", "google-chrome"]);

function onPath(names) {
  const folders = (process.env.PATH ?? "").split(path.delimiter);
  return names.flatMap(name => folders.map(folder => path.join(folder, name))).find(isProgram);
}

function isProgram(file) {
  try { accessSync(file, constants.X_OK); return true; } catch { return false; }
}

/** What is missing for the tests to run, in words; empty where nothing is. */
export function missing() {
  const absent = pages.filter(file => !existsSync(file));
  return [
    chromium ? "" : "no browser: set CHROMIUM, or have chromium on PATH",
    chromium && !isProgram(chromium) ? `CHROMIUM is not a program: ${chromium}` : "",
    pages.length ? "" : "no page: set NNN_PAGES or NNN_HOSTILE_PAGE",
    absent.length ? `no such page: ${absent.join(", ")}` : "",
  ].filter(Boolean).join("; ");
}

/** A browser without a window. Its sandbox cannot run as root, and the pages are our own. */
export function launch() {
  if (screenshots) mkdirSync(screenshots, { recursive: true });
  // The rules on a large page take minutes on a small machine.
  return puppeteer.launch({ executablePath: chromium, headless: true, pipe: true, protocolTimeout: 900_000,
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--force-color-profile=srgb"] });
}

/** Opens a file in a new tab, hands it to `look`, and fails if the page complained or asked for anything meanwhile. */
export async function visit(browser, file, options, look) {
  const page = await browser.newPage();
  try {
    const heard = listen(page);
    await settle(page, options);
    const url = pathToFileURL(file).href;
    await page.goto(url, { waitUntil: "load", timeout: 60_000 });
    await look(page);
    const asked = heard.requests.filter(it => it !== url && !it.startsWith("data:"));
    assert.deepEqual(heard.complaints, [], "errors and warnings of the page");
    assert.deepEqual(asked, [], "requests other than for the page itself");
  } finally {
    await page.close();
  }
}

async function settle(page, { width = 1280, scheme = "light", scripts = true }) {
  await page.setViewport({ width, height: 800 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.setJavaScriptEnabled(scripts);
  await page.evaluateOnNewDocument(() => addEventListener("securitypolicyviolation", event =>
    console.error(`blocked by the page's policy: ${event.violatedDirective} ${event.blockedURI} ${event.sample}`)));
}

/** Everything that a page says that it should not, and every address that it asks for. */
function listen(page) {
  const complaints = [], requests = [];
  page.on("console", message => {
    if (["error", "warn", "assert"].includes(message.type())) complaints.push(`${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", error => complaints.push(`exception: ${error.message}`));
  page.on("dialog", dialog => { complaints.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("popup", popup => complaints.push(`new window: ${popup.url()}`));
  page.on("request", request => requests.push(request.url()));
  page.on("requestfailed", request => complaints.push(`failed: ${request.url().slice(0, 200)} ${request.failure()?.errorText}`));
  return { complaints, requests };
}
