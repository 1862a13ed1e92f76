"""The live camera: asked for in words, a picture taken, and every way that it can fail."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import catch_choosers
from tests.browser.test_search import CARDS

pytestmark = pytest.mark.browser

OPEN = "Use the live camera"
RUNNING = "(video) => video.srcObject?.getTracks().some((track) => track.readyState === 'live') ?? false"
REFUSED = """(name) => {
  navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("for a test", name));
}"""
TWO_CAMERAS = """() => {
  const [devices, { mediaDevices }] = [[], navigator];
  const ask = mediaDevices.getUserMedia.bind(mediaDevices);
  mediaDevices.enumerateDevices = async () =>
    ["front", "back"].map((deviceId) => ({ kind: "videoinput", deviceId, label: "" }));
  mediaDevices.getUserMedia = (wanted) => {
    devices.push(wanted.video.deviceId?.exact ?? wanted.video.facingMode.ideal);
    window.asked = devices;
    return ask({ video: true });
  };
}"""


def open_camera(page: Page) -> None:
    """Open the view and go on past what it explains."""
    page.evaluate("navigator.permissions.query = async () => ({ state: 'prompt' })")
    page.get_by_role("button", name=OPEN).click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("Your browser will ask whether this page may use it")
    dialog.get_by_role("button", name="Continue").click()


def test_a_picture_is_taken_and_searched_and_the_camera_is_let_go(page: Page) -> None:
    open_camera(page)
    take = page.get_by_role("button", name="Take picture")
    expect(take).to_be_focused()
    video = page.locator("#camera-video")
    assert video.evaluate(RUNNING)
    take.click()
    expect(page.locator(CARDS)).not_to_have_count(0)
    expect(page.locator("#camera")).to_be_hidden()
    assert not video.evaluate(RUNNING)
    width, height = page.locator("#photo").evaluate("(photo) => [photo.naturalWidth, photo.naturalHeight]")
    assert width > height > 100


def test_where_it_was_allowed_before_there_is_nothing_to_explain(page: Page) -> None:
    page.get_by_role("button", name=OPEN).click()
    expect(page.get_by_role("button", name="Take picture")).to_be_focused()
    page.get_by_role("button", name="Close").click()
    expect(page.locator("#camera")).to_be_hidden()


def test_where_it_was_refused_before_that_is_said(page: Page) -> None:
    page.evaluate("navigator.permissions.query = async () => ({ state: 'denied' })")
    page.get_by_role("button", name=OPEN).click()
    expect(page.get_by_role("dialog").get_by_role("heading")).to_have_text("The camera is not allowed here")


def test_escape_closes_the_camera_and_returns_the_focus(page: Page) -> None:
    open_camera(page)
    expect(page.get_by_role("button", name="Take picture")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#camera")).to_be_hidden()
    expect(page.get_by_role("button", name=OPEN)).to_be_focused()
    assert not page.locator("#camera-video").evaluate(RUNNING)


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        ("NotAllowedError", "The camera is not allowed here"),
        ("NotFoundError", "No camera was found"),
        ("NotReadableError", "The camera can’t be started"),
    ],
)
def test_every_failure_says_what_to_do(page: Page, failure: str, words: str) -> None:
    catch_choosers(page)
    page.evaluate(REFUSED, failure)
    open_camera(page)
    dialog = page.get_by_role("dialog")
    expect(dialog.get_by_role("heading")).to_have_text(words)
    expect(dialog.get_by_role("button", name="Try again")).to_be_visible()
    with page.expect_file_chooser():
        dialog.get_by_role("button", name="Choose a photo").click()
    expect(page.locator("#camera")).to_be_hidden()


def test_where_there_are_several_cameras_they_are_switched(page: Page) -> None:
    page.evaluate(TWO_CAMERAS)
    open_camera(page)
    page.get_by_role("button", name="Switch camera").click()
    expect(page.get_by_role("button", name="Take picture")).to_be_focused()
    assert page.evaluate("asked") == ["environment", "back"]


def test_without_cameras_in_this_browser_none_is_offered(page: Page) -> None:
    page.add_init_script("if (sessionStorage.bare) delete MediaDevices.prototype.getUserMedia")
    page.evaluate("sessionStorage.bare = '1'")
    page.reload()
    page.get_by_role("button", name="Try Red thing").wait_for()
    expect(page.locator("#camera-open")).to_be_hidden()
    page.evaluate("sessionStorage.clear()")
