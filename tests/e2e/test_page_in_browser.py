"""The page in Chromium: by mouse and keys, without errors, without any request."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver

from modferry.report.html import page
from support.pages import HOSTILE, USERS, document

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
    *("--no-first-run", "--disable-background-networking", "--disable-sync"),
    *("--disable-component-update", "--force-prefers-reduced-motion"),
)
PHONE, DESKTOP = (390, 844), (1280, 900)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebDriver]:
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("chromium and chromium-driver are not installed")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in FLAGS:
        options.add_argument(flag)
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('chromium')}")
    options.set_capability(
        "goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"}
    )
    opened = webdriver.Chrome(
        options=options, service=webdriver.ChromeService(executable_path=driver)
    )
    yield opened
    opened.quit()


@pytest.fixture
def opened(browser: WebDriver, tmp_path: Path) -> Iterator[WebDriver]:
    """Yield the browser with the page; at the end nothing was wrong or fetched."""
    place = tmp_path / "page.html"
    place.write_text(page(document()), encoding="utf-8")
    browser.set_window_size(*DESKTOP)
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    browser.get(place.as_uri())
    yield browser
    assert browser.get_log("browser") == []
    messages = [
        json.loads(entry["message"])["message"]
        for entry in browser.get_log("performance")
    ]
    asked = [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
    ]
    assert {url for url in asked if not url.startswith("data:")} == {place.as_uri()}


def _rows(browser: WebDriver) -> list[str]:
    heads = browser.find_elements(By.CSS_SELECTOR, "tbody th")
    return [head.text for head in heads if head.is_displayed()]


def test_a_table_filters_as_one_types(opened):
    box = opened.find_element(By.CSS_SELECTOR, "input[type=search]")

    box.send_keys("MBX sched")

    assert _rows(opened) == ["rtai_mbx.ko"]
    assert opened.find_element(By.CSS_SELECTOR, ".count").text == "1 of 3 shown"
    box.send_keys(Keys.CONTROL + "a", Keys.DELETE)
    assert _rows(opened) == list(USERS)


def test_a_click_on_a_module_filters_the_tables_and_lights_its_arrows(opened):
    node = opened.find_element(By.CSS_SELECTOR, '[data-label="rtai_sem.ko"]')

    node.find_element(By.CSS_SELECTOR, "rect").click()

    assert _rows(opened) == ["rtai_sem.ko"]
    lit = opened.find_elements(By.CSS_SELECTOR, ".edge.on")
    assert len(lit) == 2  # one a drawing
    node.find_element(By.CSS_SELECTOR, "rect").click()
    assert _rows(opened) == list(USERS)


def test_the_graph_is_driven_by_keys(opened):
    node = opened.find_element(By.CSS_SELECTOR, '[data-label="rtai_sched.ko"]')
    opened.execute_script("arguments[0].focus()", node)
    assert len(opened.find_elements(By.CSS_SELECTOR, ".edge.on")) >= len(USERS)

    node.send_keys(Keys.ENTER)

    assert node.get_attribute("aria-pressed") == "true"
    assert node.get_attribute("role") == "button"


def test_a_module_named_script_is_text(opened):
    assert HOSTILE in _rows(opened)
    assert len(opened.find_elements(By.TAG_NAME, "script")) == 1
    assert opened.find_elements(By.TAG_NAME, "img") == []
    texts = [each.text for each in opened.find_elements(By.CSS_SELECTOR, "svg text")]
    assert HOSTILE in texts


@pytest.mark.parametrize("size", [PHONE, DESKTOP])
def test_nothing_is_wider_than_the_window(opened, size):
    opened.set_window_size(*size)

    wide = opened.execute_script(
        "return document.documentElement.scrollWidth - window.innerWidth"
    )

    assert wide <= 0


def test_each_control_and_region_has_a_name(opened):
    unnamed = opened.execute_script("""
        return Array.from(document.querySelectorAll(
            "input, a, [role=button], [role=region], [role=group], table, section"
        )).filter(each => !(each.getAttribute("aria-label")
            || (each.getAttribute("aria-labelledby") || "").split(" ").some(
                id => document.getElementById(id)?.textContent)
            || each.labels?.length || each.textContent.trim())
        ).map(each => each.outerHTML.slice(0, 80))
    """)

    assert unnamed == []
