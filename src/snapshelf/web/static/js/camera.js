// The live camera: what will happen, the browser's question, the picture. Loaded when it is asked for.

import { ACTIONS, stepOf } from "./camera-steps.js";
import { byId, el } from "./dom.js";
import { asJpeg, drawn } from "./shrink.js";
import { hasText, text } from "./words.js";

const WANTED = { width: { ideal: 1920 }, height: { ideal: 1080 } };

/**
 * Opens the camera's view.
 * @param onPhoto takes the picture as a file
 * @param onChoose called when a file is to be chosen instead
 */
export async function openCamera({ onPhoto, onChoose }) {
  const dialog = byId("camera");
  const video = byId("camera-video");
  let cameras = []; // ids of all there are, once one is in use
  let at = 0;

  function stop() {
    for (const track of video.srcObject?.getTracks() ?? []) track.stop();
    video.srcObject = null;
  }

  async function start(which = { facingMode: { ideal: "environment" } }) {
    show("waiting");
    stop();
    try {
      const stream = await navigator.mediaDevices.getUserMedia({ video: { ...WANTED, ...which } });
      if (!dialog.open) return stream.getTracks().forEach((track) => track.stop()); // closed meanwhile
      video.srcObject = stream;
      await video.play();
      await noteCameras(stream);
      return show("live");
    } catch (error) {
      return show(stepOf(error));
    }
  }

  async function noteCameras(stream) {
    const settings = stream.getVideoTracks()[0].getSettings();
    const devices = await navigator.mediaDevices.enumerateDevices();
    cameras = devices.filter((device) => device.kind === "videoinput").map((device) => device.deviceId);
    at = Math.max(0, cameras.indexOf(settings.deviceId));
    video.classList.toggle("mirrored", settings.facingMode === "user"); // as in a mirror; the picture is not
  }

  async function take() {
    const picture = await asJpeg(drawn(video));
    dialog.close();
    onPhoto(new File([picture], "camera.jpg", { type: "image/jpeg" }));
  }

  function show(step) {
    dialog.dataset.step = step;
    byId("camera-title").textContent = text(`camera.${step}.title`);
    byId("camera-help").textContent = hasText(`camera.${step}.help`) ? text(`camera.${step}.help`) : "";
    byId("camera-live").hidden = step !== "live";
    byId("camera-switch").hidden = cameras.length < 2;
    const does = { start: () => start(), choose: () => (dialog.close(), onChoose()), close: () => dialog.close() };
    const nameOf = (action) => text(`camera.${action === "start" && step !== "ask" ? "retry" : action}`);
    const button = (action, rank) => {
      const look = { class: rank === 0 ? "button primary" : "button", type: "button", text: nameOf(action) };
      return el("button", { ...look, on: { click: does[action] } });
    };
    byId("camera-actions").replaceChildren(...ACTIONS[step].map(button));
    byId(step === "live" ? "camera-take" : "camera-title").focus();
  }

  byId("camera-take").onclick = take;
  byId("camera-close").onclick = () => dialog.close();
  byId("camera-switch").onclick = () => start({ deviceId: { exact: cameras[(at + 1) % cameras.length] } });
  dialog.onclose = stop;
  dialog.showModal();
  // Where it was allowed before, there is nothing to explain.
  const permission = await navigator.permissions?.query({ name: "camera" }).catch(() => null);
  if (permission?.state === "granted") start();
  else show(permission?.state === "denied" ? "denied" : "ask");
}
