// Passkeys need a script: it hands our question to the browser, and sends the form with what the device signed.
// Without it the forms stay hidden, and everything else on the page works.
const bytes = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
const letters = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

function question(options) {
  const known = (list) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));
  return {
    ...options,
    challenge: bytes(options.challenge),
    ...(options.user && { user: { ...options.user, id: bytes(options.user.id) } }),
    ...(options.excludeCredentials && { excludeCredentials: known(options.excludeCredentials) }),
    ...(options.allowCredentials && { allowCredentials: known(options.allowCredentials) }),
  };
}

function answer({ id, rawId, type, response }) {
  const signed = {};
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[name]) signed[name] = letters(response[name]);
  }
  return JSON.stringify({ id, rawId: letters(rawId), type, response: signed, extensions: {} });
}

async function ask(form) {
  const body = new URLSearchParams(new FormData(form));
  const asked = await fetch(form.dataset.passkey, { method: "POST", body, redirect: "manual" });
  if (asked.type === "opaqueredirect") return location.reload();
  if (!asked.ok) throw new Error(asked.status === 429 ? "Too many attempts. Wait a little, then try again." : "");
  const publicKey = question((await asked.json()).publicKey);
  const device = navigator.credentials;
  const credential = await (publicKey.user ? device.create({ publicKey }) : device.get({ publicKey }));
  form.elements.answer.value = answer(credential);
  form.submit();
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (!window.PublicKeyCredential) continue;
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const said = form.querySelector("[role=status]");
    said.textContent = "";
    ask(form).catch((error) => {
      said.textContent =
        error.name === "InvalidStateError"
          ? "This device is known already."
          : error.name === "Error" && error.message
            ? error.message
            : "That did not work, or was cancelled. Try again, or go another way.";
    });
  });
}
