// "Talk to it": the buttons, and what they do.

import { setUpChat } from "./chat.js";
import { NoMicrophone, openGate, openMicrophone, showLevel } from "./microphone.js";
import { callOverSip } from "./sip-phone.js";
import { callOverSocket } from "./socket-phone.js";
import { clear, show } from "./transcript.js";

const page = document.getElementById("talk-page");
const state = document.getElementById("phone-state");
const trouble = document.getElementById("phone-trouble");
const way = document.getElementById("way");
const callButton = document.getElementById("call");
const hangUpButton = document.getElementById("hang-up");
const holdButton = document.getElementById("hold-to-talk");
const pushToTalk = document.getElementById("push-to-talk");
const line = document.getElementById("line");
const meter = document.getElementById("level");
const audio = document.getElementById("remote-audio");
const keys = [...document.querySelectorAll("[data-key]")];
const TELEPHONE = "Telephone (WebRTC)";
const OWN_CONNECTION = "This page's connection";

const chat = setUpChat(document.getElementById("say"), document.getElementById("end-chat"), (isTalking) => {
  callButton.disabled = isTalking;
});

let isLeaving = false; // hung up before the call was there
let call = null; // what can be done with the call in progress
let tidy = []; // what is to be undone when it is over
let stream = null;

callButton.addEventListener("click", async () => {
  clear();
  begin();
  // Safari lets sound through only where it was asked for within the click itself.
  const contexts = unlockSound();
  try {
    stream = await openMicrophone();
    tidy.push(() => stream.getTracks().forEach((track) => track.stop()));
    stream.getAudioTracks()[0].addEventListener("ended", () => say("The microphone has gone."));
    listen();
    tidy.push(showLevel(contexts.capture, stream, meter));
    call = await dial(contexts);
    if (isLeaving) call.hangUp();
  } catch (error) {
    end(error instanceof NoMicrophone ? "No microphone." : "The call could not be made.", error.message);
  }
});

async function dial(contexts) {
  const hooks = {
    onState: say,
    onTalking: talking,
    onEvent: show,
    onRefused: (words) => end("Not connected.", words),
    onOver: (words) => end("The call has ended.", words),
  };
  if (line.value !== "socket") {
    try {
      way.textContent = TELEPHONE;
      return await callOverSip({ library: page.dataset.library, stream, audio, hooks });
    } catch (error) {
      if (line.value === "sip") throw error;
      say(`${error.message} Using this page's own connection.`);
    }
  }
  way.textContent = OWN_CONNECTION;
  return callOverSocket({ stream, contexts, worklets: page.dataset.worklets, hooks });
}

hangUpButton.addEventListener("click", () => {
  isLeaving = true;
  call?.hangUp();
});
for (const key of keys) key.addEventListener("click", () => call?.press(key.dataset.key));

// Push to talk

pushToTalk.addEventListener("change", listen);
holdButton.addEventListener("pointerdown", (event) => {
  holdButton.setPointerCapture(event.pointerId);
  hold(true);
});
for (const name of ["pointerup", "pointercancel", "blur"]) holdButton.addEventListener(name, () => hold(false));
holdButton.addEventListener("keydown", (event) => {
  if (event.key !== " " && event.key !== "Enter") return;
  event.preventDefault();
  hold(true);
});
holdButton.addEventListener("keyup", (event) => (event.key === " " || event.key === "Enter") && hold(false));
holdButton.addEventListener("contextmenu", (event) => event.preventDefault()); // a long press

function hold(isHeld) {
  holdButton.classList.toggle("held", isHeld);
  holdButton.textContent = isHeld ? "Speak now" : "Hold to talk";
  if (stream && pushToTalk.checked) openGate(stream, isHeld);
}

function listen() {
  if (stream) openGate(stream, !pushToTalk.checked);
  holdButton.hidden = !(stream && pushToTalk.checked);
}

// What is seen

function begin() {
  isLeaving = false;
  trouble.hidden = true;
  way.hidden = false;
  callButton.hidden = true;
  hangUpButton.hidden = false;
  chat.enable(false);
  state.dataset.state = "connecting";
  say("Asking for the microphone …");
}

function talking() {
  state.dataset.state = "talking";
  say("Connected. Speak.");
  for (const key of keys) key.disabled = false;
}

function end(words, reason) {
  if (state.dataset.state === "idle") return; // the first reason counts, not the socket that closes after it
  for (const undo of tidy.splice(0)) undo();
  call = null;
  stream = null;
  hangUpButton.hidden = true;
  callButton.hidden = false;
  way.hidden = true;
  listen();
  chat.enable(true);
  for (const key of keys) key.disabled = true;
  state.dataset.state = "idle";
  say(words);
  trouble.textContent = reason ?? "";
  trouble.hidden = !reason;
}

function say(words) {
  state.textContent = words;
}

function unlockSound() {
  const contexts = { capture: new AudioContext(), playback: new AudioContext({ sampleRate: 8000 }) };
  for (const context of Object.values(contexts)) {
    context.resume();
    tidy.push(() => context.close());
  }
  audio.srcObject = new MediaStream();
  audio.play().catch(() => {});
  if (navigator.audioSession) navigator.audioSession.type = "play-and-record";
  return contexts;
}
