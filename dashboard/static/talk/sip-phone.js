// A telephone call through Asterisk: WebRTC, registered with an account made for this one call.

import { openSocket, socketUrl } from "./sockets.js";

const CONNECT_MS = 8000;
const GATHER_MS = 400; // addresses of this machine are there at once; there is no server to ask

/** Calls; resolves once both sides can hear each other, rejects when that cannot be had. */
export async function callOverSip({ library, stream, audio, hooks }) {
  const [{ default: JsSIP }, login] = await Promise.all([import(library), newAccount()]);
  const follower = await openSocket(`/talk/follow/${login.account}`, {
    onMessage: (message) => message.type === "event" && hooks.onEvent(message),
    onClosed: () => {},
  });
  const agent = new JsSIP.UA({
    sockets: [new JsSIP.WebSocketInterface(socketUrl(login.socket))],
    uri: `sip:${login.account}@${login.domain}`,
    password: login.password,
    register: true,
    session_timers: false,
    user_agent: "Frontdesk",
  });
  let session = null;
  let isTalking = false;

  let isOver = false;
  const over = (words) => {
    if (isOver) return;
    isOver = true;
    agent.stop();
    audio.srcObject = null;
    // The last events of the call are on their way.
    setTimeout(() => follower.close(), 2000);
    if (isTalking) hooks.onOver(words);
  };

  const talking = new Promise((resolve, reject) => {
    const fail = (words) => {
      clearTimeout(timer);
      reject(new Error(words));
      session?.isEnded() === false && session.terminate();
      over(words);
    };
    const timer = setTimeout(() => fail("The call did not come up in time."), CONNECT_MS);
    // It would try again and again; the account, and with it the call, is gone.
    agent.on("disconnected", () => (isTalking ? over("The connection to the PBX was lost.") : fail("The connection to the PBX was refused.")));
    agent.on("registrationFailed", ({ cause }) => fail(`The PBX refused the account: ${cause}.`));
    agent.on("registered", () => {
      if (session) return; // it registers again while the call lasts
      hooks.onState("Calling …");
      session = agent.call(`sip:${login.extension}@${login.domain}`, {
        mediaStream: stream,
        pcConfig: { iceServers: [] },
      });
      session.connection.addEventListener("track", ({ streams }) => {
        [audio.srcObject] = streams;
        audio.play().catch(() => {});
      });
      session.connection.addEventListener("connectionstatechange", () => {
        const state = session.connection.connectionState;
        if (state === "connected") {
          clearTimeout(timer);
          isTalking = true;
          resolve();
        } else if (state === "failed") {
          isTalking ? session.terminate() : fail("Audio cannot reach the PBX from here.");
        }
      });
      let gathering = 0;
      session.on("icecandidate", ({ ready }) => {
        clearTimeout(gathering);
        gathering = setTimeout(ready, GATHER_MS);
      });
      session.on("failed", ({ cause }) => (isTalking ? over(`The call failed: ${cause}.`) : fail(`The PBX did not take the call: ${cause}.`)));
      session.on("ended", () => over(""));
    });
  });

  hooks.onState("Registering …");
  agent.start();
  await talking;
  hooks.onTalking();
  return {
    hangUp() {
      if (!session.isEnded()) session.terminate();
    },
    press(key) {
      session.sendDTMF(key, { transportType: JsSIP.C.DTMF_TRANSPORT.RFC2833 });
    },
  };
}

async function newAccount() {
  const token = document.querySelector("meta[name=form-token]").content;
  const answer = await fetch("/api/talk/phone", { method: "POST", headers: { "x-form-token": token } });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.error.message);
  return body;
}
