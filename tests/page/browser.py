"""A server, a browser, and what both are asked by page_test.py."""

import base64
import json
import os
import pathlib
import re
import subprocess
import time

import axe_selenium_python
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

AXE = pathlib.Path(axe_selenium_python.__file__).parent / "node_modules/axe-core/axe.min.js"
WATCH = """
window.__violations = [];
document.addEventListener("securitypolicyviolation", (e) => window.__violations.push(`${e.violatedDirective} ${e.blockedURI}`));
"""


class Server:
    """`likeness serve` on a port of its own, stopped by its own number."""

    def __init__(self, program, log, *arguments):
        self.log = pathlib.Path(log)
        with open(log, "w", encoding="utf-8") as file:
            self.process = subprocess.Popen([program, "serve", "--port", "0", "--threads", "2", *map(str, arguments)], stderr=file)
        for _ in range(600):
            found = re.search(r"listening on (https?://[^ ,]+),", self.log.read_text(encoding="utf-8"))
            if found:
                self.url = found[1]
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError(f"the server did not start: {self.log.read_text(encoding='utf-8')}")

    def stop(self):
        self.process.terminate()
        if self.process.wait(timeout=30) != 0:
            raise AssertionError(f"the server ended with {self.process.returncode}")


def start_browser(folder):
    options = webdriver.ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1280,900",
                 "--disable-background-networking", "--no-first-run", f"--user-data-dir={folder}/profile"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    service = webdriver.ChromeService("/usr/bin/chromedriver")
    driver = webdriver.Chrome(options=options, service=service)
    driver.set_script_timeout(30)
    driver.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
    return driver


class Page:
    """The page in a browser: what a person does, and what he or she sees."""

    def __init__(self, driver, url):
        self.driver = driver
        self.url = url

    def open(self, view="people"):
        self.driver.get(f"{self.url}/#/{view}")
        self.ready()

    def go(self, view):
        """Goes to a view by the address, and waits until it is there. Returns how long that took, seconds."""
        ms = self.driver.execute_async_script("""
const [wanted, done] = arguments;
const old = document.querySelector("main .view");
const began = performance.now();
if (location.hash === wanted) window.dispatchEvent(new Event("hashchange")); else location.hash = wanted;
const look = () => {
  const now = document.querySelector("main .view");
  if (now && now !== old && now.dataset.ready)
    requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - began)));
  else setTimeout(look, 2);
};
look();""", f"#/{view}")
        return ms / 1000

    def ready(self):
        self.until(lambda: self.all("main .view[data-ready]"), "the view is there")

    def until(self, condition, what, seconds=20):
        end = time.monotonic() + seconds
        while True:
            try:
                found = condition()
                if found:
                    return found
            except Exception as error:  # an element went while it was looked at: look again
                if time.monotonic() > end:
                    raise AssertionError(f"not so: {what}: {error}") from error
            if time.monotonic() > end:
                raise AssertionError(f"not so: {what}\n{self.text()[:1500]}")
            time.sleep(0.03)

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def one(self, css):
        return self.until(lambda: self.all(css), css)[0]

    def text(self, css="body"):
        return self.driver.execute_script("return document.querySelector(arguments[0])?.innerText ?? ''", css)

    def sees(self, words, css="body", seconds=20):
        self.until(lambda: words in self.text(css), f"{css} says {words!r}", seconds)

    def button(self, words, within="body"):
        """The button, link or summary of that text that is seen."""
        def find():
            for one in self.all(f"{within} button, {within} a, {within} summary, {within} label.button"):
                if one.is_displayed() and one.text.strip() == words:
                    return one
            return None
        return self.until(find, f"there is a button {words!r} in {within}")

    def press(self, words, within="body"):
        self.until(lambda: self.button(words, within).click() or True, f"{words} can be pressed")

    def field(self, label, within="body"):
        """The input with this label."""
        def find():
            for one in self.all(f"{within} label"):
                if one.is_displayed() and one.text.strip() == label:
                    return self.driver.find_element(By.ID, one.get_attribute("for"))
            return None
        return self.until(find, f"there is a field {label!r} in {within}")

    def fill(self, label, text, within="body"):
        input_ = self.field(label, within)
        input_.send_keys(Keys.CONTROL, "a")
        input_.send_keys(text)

    def choose_files(self, *files, folder=False):
        css = "input.file[webkitdirectory]" if folder else "input.file:not([webkitdirectory])"
        self.one(css).send_keys("\n".join(str(file) for file in files))

    def drop(self, file):
        """Drops a photo as a mouse would."""
        self.driver.execute_script("""
const [name, text] = arguments;
const transfer = new DataTransfer();
transfer.items.add(new File([Uint8Array.from(atob(text), (c) => c.charCodeAt(0))], name, {type: "image/png"}));
for (const kind of ["dragover", "drop"])
  document.querySelector(".drop").dispatchEvent(new DragEvent(kind, {dataTransfer: transfer, bubbles: true, cancelable: true}));
""", file.name, base64.b64encode(file.read_bytes()).decode())

    def undo(self, words):
        """Presses Undo of the message with these words."""
        def find():
            for toast in self.all("#toasts .toast"):
                if words in toast.text:
                    return [b for b in toast.find_elements(By.CSS_SELECTOR, "button") if b.text == "Undo"]
            return None
        self.until(find, f"{words!r} can be undone")[0].click()
        self.until(lambda: not any(words in one.text for one in self.all("#toasts .toast")), "it is undone")
        self.sees("Undone.", "#toasts")

    def dismiss(self):
        self.driver.execute_script("document.getElementById('toasts').replaceChildren()")

    def tick(self, index=0, within="main"):
        self.until(lambda: len(self.all(f"{within} .tile input")) > index, "there is a tile")
        self.all(f"{within} .tile input")[index].click()

    # ---- what is wrong with it ----

    def media(self, scheme, width=1280, height=900):
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                                    {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})

    def shot(self, name):
        folder = os.environ.get("LIKENESS_PAGE_SHOTS")
        if folder:
            pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
            self.driver.save_screenshot(f"{folder}/{name}.png")

    def axe(self):
        """What axe finds wrong, a line each."""
        if not self.driver.execute_script("return typeof window.axe === 'object'"):
            self.driver.execute_script(AXE.read_text(encoding="utf-8"))
        found = self.driver.execute_async_script("""
const done = arguments[0];
axe.run(document, {resultTypes: ["violations"]}).then((r) => done(r.violations), (e) => done([{id: String(e), nodes: []}]));""")
        return [f"{one['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}" for one in found for node in (one["nodes"] or [{"html": ""}])]

    def own_rules(self):
        """Rules that axe has not: no positive tabindex, a title in words, controls large enough, no wide page."""
        return self.driver.execute_script("""
const wrong = [];
const shown = (e) => e.getClientRects().length > 0;
for (const e of document.querySelectorAll("[tabindex]"))
  if (Number(e.getAttribute("tabindex")) > 0) wrong.push("positive tabindex " + e.outerHTML.slice(0, 100));
if (document.querySelectorAll("h1").length !== 1) wrong.push("not one h1");
if (!document.title.includes("likeness")) wrong.push("title " + document.title);
for (const e of document.querySelectorAll("button, .button"))
  if (shown(e) && e.getBoundingClientRect().height < 24) wrong.push("too small " + e.outerHTML.slice(0, 100));
if (document.documentElement.scrollWidth > innerWidth + 1) wrong.push("the page is wider than the window: " + document.documentElement.scrollWidth);
if (document.querySelectorAll("[style], style, script:not([src])").length) wrong.push("code or style within the page");
for (const live of ["live", "toasts"]) if (!document.getElementById(live)) wrong.push("no " + live);
return wrong;""")

    def walk(self):
        """Tab from the beginning to the end: what is wrong with the order or with how focus is shown."""
        self.driver.execute_script("window.__before = null; window.scrollTo(0, 0); document.getElementById('skip').focus();")
        wrong, seen = [], 0
        for _ in range(60):
            webdriver.ActionChains(self.driver).send_keys(Keys.TAB).perform()
            said = self.driver.execute_script("""
const e = document.activeElement, before = window.__before;
if (!e || e === document.body) return "end";
window.__before = e;
const style = getComputedStyle(e.matches("input.file") ? e.nextElementSibling : e);
const html = e.outerHTML.slice(0, 120);
if (before && !(before.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING)) return "end";
if (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2) return "focus is not seen on " + html;
return "";""")
            if said == "end":
                break
            seen += 1
            if said:
                wrong.append(said)
        if seen < 5:
            wrong.append(f"only {seen} things can be reached by Tab")
        return wrong

    def troubles(self):
        """Violations of the policy, errors of scripts, and requests to other hosts."""
        wrong = [f"policy: {one}" for one in self.driver.execute_script("return window.__violations ?? []")]
        for entry in self.driver.get_log("browser"):
            refused = "Failed to load resource: the server responded with a status of 4" in entry["message"]
            if entry["level"] in ("SEVERE", "WARNING") and not refused:
                wrong.append(f"console: {entry['message']}")
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent" and message["params"]["documentURL"].startswith(self.url):
                url = message["params"]["request"]["url"]
                if not url.startswith((f"{self.url}/", f"blob:{self.url}/")):
                    wrong.append(f"another host: {url}")
        return wrong
