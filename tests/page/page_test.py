#!/usr/bin/env python3
"""The page, driven as a person would: page_test.py LIKENESS PACKS FOLDER. run.sh makes what it needs."""

import pathlib
import subprocess
import sys
import time

from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from browser import Page, Server, start_browser

HOSTILE = '<img src=x onerror="window.__pwned=1">'
VIEWS = ("people", "add", "search", "unnamed/unknown", "unnamed/unconfirmed", "unnamed/ignored", "thresholds", "changes", "try", "system")


def same(found, wanted, what):
    assert found == wanted, f"{what}: {found!r}, not {wanted!r}"


def nothing(found, what):
    assert not found, f"{what}:\n  " + "\n  ".join(found[:20])


class Test:
    """Each step goes on where the one before ended."""

    def __init__(self, program, packs, folder):
        self.program, self.packs, self.folder = program, packs, pathlib.Path(folder)
        self.photos = self.folder / "photos"
        (self.folder / "backups").mkdir()
        self.server = Server(program, self.folder / "server.log", "--gallery", f"people={self.folder}/people.gallery", "--gallery",
                             f"crowd={self.folder}/crowd.gallery", "--models", packs, "--model", "tiny", "--keep-seen", 7, "--keep-crops",
                             "--backups", self.folder / "backups")
        self.driver = start_browser(self.folder)
        self.page = Page(self.driver, self.server.url)

    def photo(self, person, number=0):
        return self.photos / f"person_{person:02d}" / f"{number}.png"

    def search(self, *files):
        """Searches in photos, and waits for all answers."""
        self.page.go("search")
        self.page.choose_files(*files)
        self.page.until(lambda: len(self.page.all(".result[data-done]")) == len(files), "every photo is answered")

    def names(self):
        self.page.go("people")
        return [one.text for one in self.page.all(".person .name")]

    def person(self, name):
        """Goes to a person by the list."""
        self.page.go("people")
        self.page.until(lambda: [one for one in self.page.all(".person .name") if one.text.startswith(name)], name)[0].click()
        self.page.sees(name, "main h1")
        self.page.ready()

    def no_markup(self):
        """HOSTILE is text in what is shown."""
        script = "return [window.__pwned ?? null, document.querySelectorAll('[onerror], img[src=x]').length]"
        same(self.driver.execute_script(script), [None, 0], "markup")

    def tiles(self, shelf):
        self.page.go(f"unnamed/{shelf}")
        return self.page.all(".tile")

    # ---- steps, in their order ----

    def an_empty_gallery_says_what_to_do_first(self):
        page = self.page
        page.open()
        page.sees("Nobody is enrolled yet")
        page.shot("empty")
        page.press("Add photos", "main")
        page.sees("Drop photos of one person here")

    def a_folder_of_folders_is_enrolled_person_by_person(self):
        page = self.page
        (self.photos / "person_00" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"broken")
        (self.photos / "person_00" / "notes.txt").write_text("no photo", encoding="utf-8")
        page.choose_files(self.photos, folder=True)
        page.sees("1 file left out: no photos.")
        page.dismiss()
        same([page.all(".enrol input")[i].get_attribute("value") for i in range(2)], ["person_00", "person_01"], "names are the folders'")
        for card in page.all(".enrol")[10:]:  # these stay strangers
            card.find_element(By.CSS_SELECTOR, "button.quiet").click()
        page.press("Add all of them")
        page.until(lambda: len(page.all(".enrol[data-done]")) == 10, "all are sent", 60)
        page.sees("cannot be read")
        broken = page.one('.row[data-status="unreadable"]').text
        assert "broken.png" in broken and len(broken) > len("broken.png cannot be read") + 3, f"no reason: {broken}"
        page.shot("add")
        page.dismiss()
        same(self.names(), [f"person_{i:02d}" for i in range(10)], "people")

    def enrolling_is_undone(self):
        page = self.page
        page.go("add")
        page.drop(self.photo(10))
        page.fill("Who is in these photos", "Short Visit")
        page.press("Add to the gallery")
        page.sees("Short Visit: 1 photo added", "#toasts")
        page.undo("Short Visit")
        assert "Short Visit" not in self.names()

    def people_are_found_by_a_part_of_the_name(self):
        page = self.page
        page.go("people")
        page.fill("Find by name", "ON_07")
        page.until(lambda: [one.text for one in page.all(".person .name")] == ["person_07"], "one is left")
        page.fill("Find by name", "nobody of this name")
        page.sees("Nobody is called so")

    def a_search_draws_boxes_and_names_no_stranger(self):
        page = self.page
        self.search(self.folder / "pair.png")
        same(len(page.all(".boxes g.named")), 1, "boxes of people")
        same(len(page.all(".boxes g.stranger")), 1, "boxes of strangers")
        page.sees("person_00 and 1 stranger")
        page.shot("search")
        before = page.one(".boxes g.named rect").rect
        photo = page.one(".photo img").rect
        # pair.png has 320 pixels; the face is drawn around x = 90 and is about 70 high.
        middle = (before["x"] + before["width"] / 2 - photo["x"]) / photo["width"] * 320
        assert abs(middle - 90) < 8, f"the box is drawn at {middle}"
        page.fill("Who is face 2?", "Newcomer") if "Who is face 2?" in page.text() else page.fill("Who is face 1?", "Newcomer")
        page.press("Add", ".result")
        page.sees("Newcomer has 1 photo now", "#toasts")
        page.sees("Newcomer", ".found")
        page.undo("Newcomer")

    def a_wrong_name_is_taken_back(self):
        page = self.page
        self.search(self.photo(9, 4))
        page.press("Not person_09", ".result")
        page.until(lambda: page.all(".found strong.stranger"), "the name is gone")
        page.undo("This face is not called person_09 again")
        self.search(self.photo(9, 4))
        page.sees("person_09", ".found .who")
        page.dismiss()

    def an_unknown_group_is_named_and_that_is_undone(self):
        page = self.page
        self.search(self.photo(10, 1), *(self.photo(person) for person in range(10, 20)))
        waiting = len(self.tiles("unconfirmed"))
        before = len(self.tiles("unknown"))
        assert before >= 2, "strangers are on the shelf"
        page.until(lambda: page.all(".tile .face img"), "their pictures are there")
        first = page.all(".tile input")[0].get_attribute("value")
        page.tick()
        page.shot("unnamed")
        page.fill("Name of the chosen", "Zoe" + Keys.ENTER)
        page.sees("1 group named Zoe", "#toasts")
        page.until(lambda: page.all(".tile") and not page.all(f'.tile input[value="{first}"]'), "the group is gone")
        assert "Zoe" in self.names()
        page.undo("1 group named Zoe")
        assert "Zoe" not in self.names()
        # Zoe was suggested for some meanwhile.
        same([len(self.tiles("unconfirmed")), len(self.tiles("unknown"))], [waiting, before], "groups on the shelves")

    def many_are_ignored_at_once_and_taken_back(self):
        page = self.page
        many = len(self.tiles("unknown"))
        page.press("Choose all shown")
        page.sees(f"{many} groups chosen")
        page.all(".tile input")[0].send_keys("i")  # by the key
        page.sees(f"{many} groups ignored", "#toasts")
        page.sees("Nobody is waiting here")
        same(len(self.tiles("ignored")), many, "ignored")
        page.tick()
        page.press("Take back", ".actions")
        page.sees("1 group taken back", "#toasts")
        same(len(self.tiles("unknown")), 1, "taken back")
        page.undo(f"{many} groups ignored")
        same(len(self.tiles("unknown")), many, "all are back")

    def suggestions_are_refused_and_confirmed(self):
        page = self.page
        page.go("add")
        page.choose_files(self.photo(10, 2), self.photo(10, 3))
        page.fill("Who is in these photos", "Ten")
        page.press("Add to the gallery")
        page.sees("Ten: 2 photos added", "#toasts")
        tiles = [one.text for one in self.tiles("unconfirmed")]
        ten = next(i for i, text in enumerate(tiles) if "Ten?" in text)
        similarities = [float(text.split("similarity ")[1].split()[0]) for text in tiles]
        same(similarities, sorted(similarities, reverse=True), "likest first")
        page.tick(ten)
        page.press("Not this person", ".actions")
        page.sees("1 suggestion refused", "#toasts")
        page.until(lambda: "Ten?" not in page.text("main"), "nobody says Ten any more")
        page.undo("1 suggestion refused")
        self.tiles("unconfirmed")
        page.sees("Ten?")
        page.tick(ten)
        page.shot("unconfirmed")
        page.press("Confirm", ".actions")
        page.sees("1 suggestion confirmed", "#toasts")
        page.go("people")
        page.until(lambda: any("Ten\n4 photos" in one.text for one in page.all(".person")), "Ten has the faces")
        page.undo("1 suggestion confirmed")
        page.dismiss()

    def the_wrong_face_is_the_first(self):
        page = self.page
        page.go("add?person=person_00")
        page.driver.find_element(By.CSS_SELECTOR, "select option[value=off]").click()
        page.choose_files(self.photo(10, 4))  # Ten's
        page.press("Add to the gallery")
        page.sees("person_00: 1 photo added", "#toasts")
        page.dismiss()
        self.person("person_00")
        page.sees("Most doubtful first")
        page.until(lambda: page.all(".tile"), "photos are there")
        first = page.all(".tile")[0].text
        assert "looks more like Ten" in first, f"not doubtful: {first}"
        page.shot("person")
        page.tick()
        page.fill("Belongs to", "Eleven")
        page.press("Give to this person")
        page.sees("1 photo given to Eleven", "#toasts")
        page.dismiss()
        assert "Eleven" in self.names()
        page.go("changes")
        page.sees("1 photo of person_00 given to Eleven")
        page.shot("changes")
        page.press("Undo", "main section:last-of-type")
        page.sees("undone", "main")
        assert "Eleven" not in self.names()

    def people_are_merged_after_a_look_and_parted_again(self):
        page = self.page
        self.person("person_02")
        page.sees("person_02", "main h1")
        page.press("Merge into\u2026")
        page.fill("Into whom", "nobody", "dialog")
        page.press("Show what happens", "dialog")
        page.sees("Nobody is called so.", "dialog")
        page.fill("Into whom", "person_03", "dialog")
        page.press("Show what happens", "dialog")
        page.sees("Merge two people?", "dialog")
        page.sees("Careful", "dialog")
        page.shot("merge")
        page.press("Merge", "dialog")
        page.sees("person_02 and person_03 are one person now", "#toasts")
        assert "person_02" not in self.names()
        page.undo("one person now")
        assert "person_02" in self.names()

    def a_name_that_is_taken_offers_to_merge(self):
        page = self.page
        self.person("person_04")
        page.press("Rename")
        page.fill("Name", "person_05", "dialog")
        page.press("Rename", "dialog")
        page.sees("Merge two people?", "dialog")
        page.press("Cancel", "dialog")
        assert {"person_04", "person_05"} <= set(self.names())

    def a_hostile_name_is_text_everywhere(self):
        page = self.page
        self.person("Ten")
        page.press("Rename")
        page.fill("Name", HOSTILE, "dialog")
        page.press("Rename", "dialog")
        page.sees(f"Ten is called {HOSTILE} now", "#toasts")
        page.sees(HOSTILE, "main h1")
        assert HOSTILE in self.names()
        self.search(self.photo(10, 2))
        page.sees(HOSTILE, ".found .who")
        self.tiles("unconfirmed")
        page.sees(f"{HOSTILE}?", "main")
        self.no_markup()
        self.tiles("unknown")
        page.tick()
        page.fill("Name of the chosen", HOSTILE + Keys.ENTER)
        page.sees(f"1 group named {HOSTILE}", "#toasts")
        page.undo("1 group named")
        self.person("person_00")
        page.sees(f"looks more like {HOSTILE}", "main")
        self.no_markup()
        page.go("changes")
        page.sees(f"Ten was renamed to {HOSTILE}")
        page.go("try")
        self.try_search(self.photo(10, 2))
        page.go(f"add?person={HOSTILE.replace(' ', '%20')}")
        page.sees(f"More photos of {HOSTILE}")
        self.person("<")
        page.press("Merge into\u2026")
        page.fill("Into whom", "person_05", "dialog")
        page.press("Show what happens", "dialog")
        page.sees(f"All photos of {HOSTILE} become", "dialog")
        page.press("Cancel", "dialog")
        self.no_markup()
        page.go("changes")
        page.undo(f"Ten is called {HOSTILE} now")

    def try_search(self, photo):
        page = self.page
        page.one('input[type="file"]:not(.file)').send_keys(str(photo))
        page.press("Send", "main")
        page.sees('"faces": [', ".answer")

    def the_try_page_shows_request_and_answer(self):
        page = self.page
        page.go("try?operation=searchFaces")
        self.try_search(self.photo(1))
        assert '"name": "person_01"' in page.text(".answer")
        page.sees("POST /v1/search?gallery=people", ".output pre")
        page.sees("200 after", ".output")
        page.press("The same with curl", ".output")
        page.sees("curl -X POST", ".output details")
        page.shot("try")

    def a_gallery_is_calibrated(self):
        page = self.page
        page.go("thresholds")
        page.sees("The gallery is not calibrated")
        page.one('input[type="radio"][value="0.001"]').click()
        page.press("Calibrate", "form")
        page.sees("Add photos of more people", "form .trouble")
        page.one('input[type="radio"][value="0.1"]').click()
        page.press("Calibrate", "form")
        page.sees("at most ten of a hundred strangers get a name", "#toasts")
        page.sees("This gallery\u2019s own calibration says so")
        page.one(".curve path.line")
        page.shot("thresholds")
        page.dismiss()

    def somebody_is_removed_for_good(self):
        page = self.page
        self.person("person_08")
        page.press("Remove")
        page.sees("cannot be undone", "dialog")
        page.press("Remove for good", "dialog")
        page.sees("person_08 was removed.", "#toasts")
        assert "person_08" not in self.names()

    def the_system_page_tells_the_truth(self):
        page = self.page
        page.go("system")
        page.sees("not encrypted, calibrated")
        page.sees("searchFaces", "table")
        page.sees("calibrateGallery", "main section:nth-of-type(3)")  # 0.001 was refused
        page.press("Back up now")
        page.sees("Backed up as people-", "#toasts")
        page.sees("people-", "main .rows")
        page.shot("system")
        page.dismiss()

    def everybody_can_use_it(self):
        """By axe and by rules of our own, light and dark; by the keyboard; on a phone."""
        page = self.page
        for scheme in ("light", "dark"):
            page.media(scheme)
            for view in VIEWS + ("person/2",):
                page.go(view)
                if view == "unnamed/unknown":
                    page.tick()
                nothing(page.axe(), f"axe in {view}, {scheme}")
                nothing(page.own_rules(), f"rules in {view}, {scheme}")
                page.shot(f"{view.replace('/', '-')}-{scheme}")
        page.media("light", 390, 844)
        for view in VIEWS + ("person/2",):
            page.go(view)
            nothing(page.own_rules(), f"rules in {view} on a phone")
            page.shot(f"{view.replace('/', '-')}-phone")
        self.search(self.folder / "pair.png")
        nothing(page.own_rules(), "rules in a result on a phone")
        page.shot("result-phone")
        page.media("light")
        for view in ("people", "add", "unnamed/unknown", "person/2", "thresholds"):
            page.go(view)
            nothing(page.walk(), f"keyboard in {view}")

    def ten_thousand_people_are_there_within_a_second(self):
        page = self.page
        page.go("people")
        page.one("#gallery select").send_keys("crowd")
        page.sees("10,000 people, 20,000 photos")
        slow = []
        for view in VIEWS + ("person/5000",):
            best = min(page.go(view) for _ in range(3))
            print(f"  {view}: {best * 1000:.0f} ms")
            if best >= 1:
                slow.append(f"{view}: {best:.2f} s")
        nothing(slow, "slow views")
        page.go("unnamed/unknown")
        assert page.all(".tile"), "the crowd has strangers"
        page.go("people")
        shown = len(page.all(".person"))
        self.driver.execute_script("window.scrollTo(0, document.body.scrollHeight)")
        page.until(lambda: len(page.all(".person")) > shown, "more come at the end")
        began = time.monotonic()
        page.fill("Find by name", "son 987")
        page.until(lambda: [one.text for one in page.all(".person .name")][:2] == ["Person 987", "Person 9870"], "they are found")
        print(f"  found by name after {(time.monotonic() - began) * 1000:.0f} ms, typing included")

    def a_key_is_asked_for_and_kept_in_the_tab(self):
        keys = self.folder / "keys.json"
        made = {}
        for right in ("search", "administer"):
            told = subprocess.run([self.program, "key", "add", "--keys", keys, "--name", right, "--right", right], capture_output=True,
                                  text=True, check=True).stdout
            made[right] = next(word for word in told.split() if word.startswith("lk_"))
        server = Server(self.program, self.folder / "keyed.log", "--gallery", f"{self.folder}/keyed.gallery", "--models", self.packs, "--model",
                        "tiny", "--keys", keys)
        page = Page(self.driver, server.url)
        self.driver.get(server.url)
        page.sees("This server asks for a key")
        nothing(page.axe() + page.own_rules(), "signing in")
        page.shot("signin")
        page.fill("Key", "lk_wrong" + Keys.ENTER)
        page.sees("This key is not known here")
        page.fill("Key", made["search"] + Keys.ENTER)
        page.sees("Somebody with a key that may enrol adds photos first")
        assert "Add photos" not in page.text("#nav") and "Changes" not in page.text("#nav"), "what a key may not do is shown"
        page.press("Sign out")
        page.fill("Key", made["administer"] + Keys.ENTER)
        page.sees("Add photos", "#nav")
        assert "Unnamed" not in page.text("#nav"), "this server keeps no faces without a name"
        self.driver.refresh()
        page.sees("Add photos", "#nav")
        same(self.driver.execute_script("return [localStorage.length, document.cookie, location.href.includes('lk_')]"), [0, "", False], "where the key lies")
        nothing(page.troubles(), "troubles with keys")
        first = self.driver.current_window_handle
        self.driver.switch_to.new_window("tab")
        self.driver.get(server.url)
        page.sees("This server asks for a key")
        self.driver.close()
        self.driver.switch_to.window(first)
        server.stop()

    def without_the_page_there_is_the_api_alone(self):
        server = Server(self.program, self.folder / "no_page.log", "--gallery", f"{self.folder}/keyed.gallery", "--models", self.packs, "--model",
                        "tiny", "--no-page")
        self.driver.get(f"{server.url}/")
        assert "not_found" in Page(self.driver, server.url).text(), "the page is there"
        server.stop()

    def run(self):
        steps = [name for name, one in vars(Test).items() if callable(one) and one.__code__.co_argcount == 1
                 and name not in ("names", "no_markup", "run", "search")]
        for name in steps:
            began = time.monotonic()
            try:
                getattr(self, name)()
            except Exception:
                self.driver.save_screenshot(str(self.folder / "failed.png"))
                print(f"FAILED: {name}; see {self.folder}/failed.png and server.log")
                raise
            if name == "ten_thousand_people_are_there_within_a_second":
                nothing(self.page.troubles(), "troubles")
            print(f"{name} ({time.monotonic() - began:.1f} s)", flush=True)
        self.driver.quit()
        self.server.stop()
        print(f"page: {len(steps)} steps")


if __name__ == "__main__":
    test = Test(*sys.argv[1:4])
    try:
        test.run()
    finally:
        test.driver.quit()
        if test.server.process.poll() is None:
            test.server.process.kill()
