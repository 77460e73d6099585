// Websockets of this page's own origin.

export function socketUrl(path) {
  return `${location.origin.replace(/^http/, "ws")}${path}`;
}

/** An open socket that gives JSON messages to `onMessage` and binary ones to `onBytes`. */
export function openSocket(path, { onMessage, onBytes = () => {}, onClosed }) {
  const socket = new WebSocket(socketUrl(path));
  socket.binaryType = "arraybuffer";
  socket.addEventListener("message", ({ data }) => {
    if (typeof data === "string") onMessage(JSON.parse(data));
    else onBytes(data);
  });
  socket.addEventListener("close", ({ reason }) => onClosed(reason));
  return new Promise((resolve, reject) => {
    socket.addEventListener("open", () => resolve(socket), { once: true });
    socket.addEventListener(
      "error",
      () => reject(new Error("The connection was refused. Reload the page; perhaps you have been signed out.")),
      { once: true },
    );
  });
}
