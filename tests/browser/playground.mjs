// The playground in a real browser, by keyboard alone, against a running demo.
// BASE_URL: where it runs. SCREENSHOTS: a folder for pictures. CHROMIUM: the browser's program.
import assert from "node:assert/strict";
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { chromium } from "playwright-core";

const base = process.env.BASE_URL ?? "http://127.0.0.1:7007";
const pictures = process.env.SCREENSHOTS ?? "screenshots";
const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
// A Tab that never arrives is a trap; the longest way is past all buttons of a page.
const MOST_TABS = 60;

await mkdir(pictures, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});

const faults = [];
const open = async (options) => {
  const context = await browser.newContext({ reducedMotion: "reduce", ...options });
  const page = await context.newPage();
  // Refused inline styles, foreign addresses and script errors all end up here.
  page.on("console", (message) => { if (message.type() === "error") faults.push(message.text()); });
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("request", (request) => { if (!request.url().startsWith(base)) faults.push(`asked for ${request.url()}`); });
  await page.goto(base);
  await page.waitForFunction(() => document.getElementById("line").getAttribute("role") === "combobox");
  return page;
};
const shoot = (page, name) => page.screenshot({ path: path.join(pictures, `${name}.png`) });
const answered = (page, count) =>
  page.waitForFunction((wanted) => document.querySelectorAll(".exchange:not(.pending) .answer").length >= wanted, count);
const say = async (page, line) => {
  const before = await page.locator(".exchange").count();
  await page.focus("#line");
  await page.keyboard.type(line);
  await page.keyboard.press("Enter");
  await answered(page, before + 1);
};
const tabTo = async (page, key, isThere) => {
  for (let presses = 0; presses < MOST_TABS; presses += 1) {
    await page.keyboard.press(key);
    const found = await page.evaluate(() => {
      const at = document.activeElement;
      return { tag: at.tagName, text: at.textContent.trim(), id: at.id, name: at.getAttribute("name") ?? "", value: at.value ?? "" };
    });
    if (isThere(found)) return;
  }
  assert.fail(`${MOST_TABS} times ${key} did not arrive`);
};
const checkAccessibility = async (page, where) => {
  // axe is run by the test's protocol, which the page's policy does not bind.
  await page.evaluate(axe);
  const { violations, passes } = await page.evaluate(() => globalThis.axe.run(document));
  assert.ok(passes.length > 10, "axe has looked at the page");
  const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
  const told = serious.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(" ")}`);
  assert.deepEqual(told, [], `accessibility of ${where}`);
};
const checkWidth = async (page, where) => {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(over <= 0, `${where} is ${over} px wider than the window`);
};
const focused = (page, read) => page.evaluate(`(() => { const at = document.activeElement; return ${read}; })()`);
// The empty page's required answers, given by keyboard; what was given is returned by name.
const fillPage = async (page) => {
  const given = {};
  const fields = page.locator("dialog.form :is(input:not([type=hidden]), select, textarea)");
  for (let at = 0; at < await fields.count(); at += 1) {
    const field = fields.nth(at);
    const { name, type, tag, lookup } = await field.evaluate((node) =>
      ({ name: node.name, type: node.type, tag: node.tagName, lookup: "lookup" in node.dataset }));
    if (given[name] !== undefined) continue;
    await field.focus();
    if (type === "radio" || type === "checkbox") await page.keyboard.press("Space");
    else if (tag === "SELECT") await page.keyboard.press("ArrowDown");
    else if (type === "date") await field.fill("2026-11-20");
    else if (type === "number") await page.keyboard.type("1");
    else if (lookup) {
      await page.keyboard.type("ledger");
      await page.waitForTimeout(500);
      if (await field.getAttribute("aria-expanded") === "true") {
        await page.keyboard.press("Enter");
        assert.notEqual(await field.inputValue(), "ledger", "Enter chooses the first that is offered");
        assert.ok(await page.locator("dialog.form[open]").count(), "Enter in a list that is open does not send the form");
      }
    } else await page.keyboard.type("Wrong since the team was renamed");
    given[name] = true;
  }
  return values(page);
};
const values = (page) => page.evaluate(() => {
  const hidden = ["state", "page", "form", "title", "as", "list"];
  return [...new FormData(document.querySelector("dialog.form form"))].filter(([name]) => !hidden.includes(name));
});

const stories = {
  async "an owner is found, its runbook opened by button, all by keyboard"() {
    const page = await open({ viewport: { width: 1100, height: 800 }, colorScheme: "light" });
    await page.screenshot({ path: path.join(pictures, "welcome-light.png") });
    await checkAccessibility(page, "the welcome");
    await page.focus("#line");
    await page.keyboard.type("/owner payments-a");
    await page.waitForSelector("#suggestions [role=option]");
    await checkAccessibility(page, "the suggestions");
    await shoot(page, "suggestions-light");
    await page.keyboard.press("ArrowDown");
    assert.ok(await page.getAttribute("#line", "aria-activedescendant"), "an arrow points at a suggestion");
    await page.keyboard.press("Escape");
    assert.equal(await page.getAttribute("#line", "aria-expanded"), "false", "Esc closes the suggestions");
    await page.keyboard.type("p");
    await page.waitForSelector("#suggestions [role=option]");
    await page.keyboard.press("Tab");
    assert.match(await page.inputValue("#line"), /^\/owner \S*payments-api$/, "Tab completes");
    await page.keyboard.press("Enter");
    await answered(page, 1);
    const answer = page.locator(".answer").last();
    assert.equal(await answer.getAttribute("data-status"), "answered");
    const team = process.env.OWNER ?? "payments";
    assert.match(await answer.locator(".card").first().innerText(), new RegExp(team, "i"), "the card names the owning team");
    await shoot(page, "owner-light");
    await checkAccessibility(page, "an answer");

    assert.equal(await focused(page, "at.id"), "line");
    await page.keyboard.press("ArrowUp");
    assert.match(await page.inputValue("#line"), /^\/owner /, "the last line comes back");
    await page.keyboard.press("ArrowDown");
    assert.equal(await page.inputValue("#line"), "");
    await tabTo(page, "Shift+Tab", ({ tag, text }) => tag === "BUTTON" && text === "Runbook");
    await page.keyboard.press("Enter");
    await answered(page, 2);
    assert.equal(await page.locator(".answer").last().getAttribute("data-command"), "runbook");
    await shoot(page, "runbook-light");
    await checkAccessibility(page, "a runbook");
    await page.context().close();
  },

  async "a form of two pages keeps what was typed, forth and back"() {
    const page = await open({ viewport: { width: 1100, height: 800 }, colorScheme: "dark" });
    await say(page, "/report payments-api");
    await page.waitForSelector("dialog.form:modal");
    assert.ok(await focused(page, "Boolean(at.closest('dialog'))"), "focus moves into the form");
    await shoot(page, "form-dark");
    await checkAccessibility(page, "a form");
    await page.keyboard.press("Escape");
    assert.equal(await focused(page, "at.id"), "line", "Esc closes the form and focus returns");
    await tabTo(page, "Shift+Tab", ({ text }) => text === "Open it again");
    await page.keyboard.press("Enter");
    await page.waitForSelector("dialog.form:modal");

    const first = await fillPage(page);
    await tabTo(page, "Tab", ({ tag, text }) => tag === "BUTTON" && text === "Next");
    await page.keyboard.press("Enter");
    await page.waitForSelector("text=Page 2 of 2");
    const second = await fillPage(page);
    await shoot(page, "form-page-2-dark");
    await checkAccessibility(page, "a form's second page");
    await tabTo(page, "Tab", ({ tag, text }) => tag === "BUTTON" && text === "Back");
    await page.keyboard.press("Enter");
    await page.waitForSelector("text=Page 1 of 2");
    assert.deepEqual(await values(page), first, "the first page's answers stay");
    await tabTo(page, "Tab", ({ tag, text }) => tag === "BUTTON" && text === "Next");
    await page.keyboard.press("Enter");
    await page.waitForSelector("text=Page 2 of 2");
    assert.deepEqual(await values(page), second, "the second page's answers stay");
    const send = await page.locator("dialog.form button.primary").innerText();
    await tabTo(page, "Tab", ({ tag, text }) => tag === "BUTTON" && text === send);
    await page.keyboard.press("Enter");
    await page.waitForSelector("dialog.form", { state: "detached" });
    assert.match(await page.locator(".said").last().innerText(), /Sent the form/);
    assert.equal(await page.locator(".answer[data-command=report]").last().getAttribute("data-status"), "answered");
    assert.equal(await focused(page, "at.id"), "line");
    await page.waitForSelector(".answer .posted", { timeout: 15000 });
    await shoot(page, "form-sent-dark");
    await page.context().close();
  },

  async "nothing is wider than a phone"() {
    const page = await open({ viewport: { width: 360, height: 740 }, colorScheme: "light", hasTouch: true, isMobile: true });
    await checkWidth(page, "the welcome");
    await shoot(page, "phone-welcome");
    for (const name of ["owner", "runbook", "deps", "report"]) {
      await say(page, `/${name} payments-api`);
      await checkWidth(page, `/${name}`);
      await shoot(page, `phone-${name}`);
    }
    await page.context().close();
  },

  async "a question opens in sight, a closed form says that nothing was sent"() {
    for (const viewport of [{ width: 1100, height: 900 }, { width: 360, height: 740 }]) {
      const page = await open({ viewport, colorScheme: "light" });
      await say(page, "/catalog");
      await page.locator("details.confirm summary").last().click();
      const yes = page.locator("details.confirm[open] .question .button");
      await page.waitForFunction(() => {
        const button = document.querySelector("details.confirm[open] .question .button").getBoundingClientRect();
        return button.bottom <= document.querySelector(".bottom").getBoundingClientRect().top;
      });
      assert.ok(await yes.isVisible());
      await shoot(page, `question-${viewport.width}`);
      await checkAccessibility(page, "a question");
      await say(page, "/report payments-api");
      await page.waitForSelector("dialog.form:modal");
      await page.keyboard.press("Escape");
      await page.waitForSelector("text=Form closed, nothing was sent.");
      await page.click("text=Open it again");
      await page.waitForSelector("dialog.form:modal");
      assert.equal(await page.locator("text=Form closed, nothing was sent.").count(), 0, "an open form is not called closed");
      await page.context().close();
    }
  },

  async "an unread catalog says so, and offers examples once it is read"() {
    const context = await browser.newContext({ reducedMotion: "reduce" });
    const page = await context.newPage();
    let visits = 0;
    await page.route(`${base}/`, async (route) => {
      visits += 1;
      const answer = await route.fetch();
      const html = await answer.text();
      const reading = '<section class="welcome" id="welcome" data-reading><p>Reading</p></section>';
      const body = visits <= 2 ? html.replace(/<section class="welcome"[^]*?<\/section>/, reading) : html;
      await route.fulfill({ response: answer, body });
    });
    await page.goto(base);
    assert.equal(await page.locator(".example").count(), 0);
    await page.fill("#line", "/owner p");
    await page.waitForSelector(".example");
    assert.equal(await page.inputValue("#line"), "/owner p", "what was typed meanwhile stays");
    assert.equal(visits, 3);
    await context.close();
  },

  async "a server that is away is said so, and asked again"() {
    const page = await open({ viewport: { width: 1100, height: 800 }, colorScheme: "light" });
    await page.route("**/playground/say", (route) => route.abort());
    await page.focus("#line");
    await page.keyboard.type("/owner payments-api");
    await page.keyboard.press("Enter");
    await page.waitForSelector("[data-status=away]");
    await shoot(page, "away-light");
    // The browser itself complains of the connection; that is the story.
    faults.splice(0, faults.length, ...faults.filter((fault) => !fault.includes("ERR_FAILED")));
    await page.unroute("**/playground/say");
    await tabTo(page, "Shift+Tab", ({ text }) => text === "Try again");
    await page.keyboard.press("Enter");
    await page.waitForSelector("[data-command=owner]");
    assert.equal(await page.locator("[data-status=away]").count(), 0);
    await page.context().close();
  },

  async "a newcomer asks for a new service, and finds it in the catalog"() {
    const page = await open({ viewport: { width: 1100, height: 900 }, colorScheme: "light" });
    const name = `gift-registry-${Date.now().toString(36)}`;
    await say(page, "/new typescript-service");
    const answers = {
      name, description: "Keeps wish lists and who gave what", owner: "team-checkout", system: "system:default/checkout",
      databaseSize: "large", "repoUrl#repo": name,
    };
    for (let pages = 0; pages < 6; pages += 1) {
      await page.waitForSelector("dialog.form[open]");
      const title = await page.textContent("dialog.form");
      for (const [field, answer] of Object.entries(answers)) {
        const found = page.locator(`dialog.form [name="one.${field}"]:is(input:not([type=hidden]):not([type=radio]), textarea)`);
        if (await found.count() > 0) await found.first().fill(answer);
      }
      if (title.includes("What will happen")) assert.ok(title.includes("is put into the folder"), title);
      await page.click("dialog.form button.primary");
      await page.waitForFunction((before) => document.querySelector("dialog.form[open]")?.textContent !== before, title);
      if (await page.locator("dialog.form[open]").count() === 0) break;
    }
    await page.waitForFunction(() => document.body.textContent.includes("is done"), undefined, { timeout: 30_000 });
    await say(page, `/owner ${name}`);
    await page.waitForSelector("[data-command=owner]");
    assert.ok((await page.textContent("[data-command=owner]")).includes("Checkout"), "its owner answers");
    await shoot(page, "new-service-light");
    await page.context().close();
  },

  async "lines, buttons and forms work without a script"() {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(base);
    await page.fill("#line", "/owner payments-api");
    await page.press("#line", "Enter");
    await page.waitForSelector("[data-command=owner]");
    await page.click("button:has-text('Runbook')");
    await page.waitForSelector("[data-command=runbook]");
    await page.fill("#line", "/report payments-api");
    await page.press("#line", "Enter");
    await page.waitForSelector("dialog.form[open]");
    await page.screenshot({ path: path.join(pictures, "no-script.png"), fullPage: true });
    await context.close();
  },
};

let failed = 0;
for (const [name, story] of Object.entries(stories)) {
  faults.length = 0;
  try {
    await story();
    assert.deepEqual(faults, [], "the browser complained");
    console.log(`ok    ${name}`);
  } catch (error) {
    failed += 1;
    console.error(`FAILED ${name}\n${error.stack}`);
  }
}
await browser.close();
process.exitCode = failed === 0 ? 0 : 1;
