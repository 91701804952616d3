// Writes times in the zone of this browser, where the person chose none in My account. Without it they are in UTC.
const words = new Intl.DateTimeFormat("en-GB", {
  day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", hourCycle: "h23",
});
for (const time of document.querySelectorAll("time[data-utc]")) {
  time.textContent = words.format(new Date(time.dateTime));
}

// One tick for all rows of a table, where rows can be ticked.
for (const table of document.querySelectorAll("table:has(td .tick)")) {
  const ticks = [...table.querySelectorAll('td .tick input[type="checkbox"]')];
  const place = table.querySelector("thead th:first-child");
  if (ticks.length < 2 || !place) continue;
  const [label, all, words] = [document.createElement("label"), document.createElement("input"), document.createElement("span")];
  label.className = "tick";
  all.type = "checkbox";
  words.className = "visually-hidden";
  words.textContent = "Choose all on this page";
  label.append(all, words);
  place.append(" ", label);
  const look = () => {
    const ticked = ticks.filter((tick) => tick.checked).length;
    all.checked = ticked === ticks.length;
    all.indeterminate = ticked > 0 && !all.checked;
  };
  all.addEventListener("change", () => {
    for (const tick of ticks) tick.checked = all.checked;
  });
  table.addEventListener("change", look);
  addEventListener("pageshow", look);
}

// What only a script can do: buttons to copy, to keep as a file, and to see a password as it is typed. Without it there are none.
{
  const said = document.createElement("p");
  said.className = "visually-hidden";
  said.setAttribute("aria-live", "polite");

  /** What people call a field. */
  const called = (element) => element.dataset.copy || element.labels?.[0]?.textContent.trim() || "";

  /** Puts a button beside an element; whoever hears the page hears what it is for, too. */
  const beside = (element, word, what) => {
    const [button, rest] = [document.createElement("button"), document.createElement("span")];
    button.type = "button";
    button.className = "button";
    rest.className = "visually-hidden";
    rest.textContent = ` ${what}`;
    button.append(word, rest);
    let line = element.parentElement;
    if (!line.classList.contains("beside")) {
      line = document.createElement("span");
      line.className = "beside";
      element.replaceWith(line);
      line.append(element);
    }
    line.append(button);
    if (!said.isConnected) document.querySelector("main").append(said);
    return button;
  };

  /** Browsers lend their clipboard to pages with TLS alone. Elsewhere the text is at least marked. */
  const copy = async (element) => {
    try {
      await navigator.clipboard.writeText(element.value ?? element.textContent);
      return true;
    } catch {
      if (element.select) {
        element.focus();
        element.select();
      } else {
        getSelection().selectAllChildren(element);
      }
      return false;
    }
  };

  for (const element of document.querySelectorAll(".field.link [readonly], [data-copy]")) {
    const name = called(element);
    const button = beside(element, "Copy", name);
    let back;
    button.addEventListener("click", async () => {
      const copied = await copy(element);
      button.firstChild.data = copied ? "Copied" : "Marked";
      said.textContent = copied ? `${name} is copied.` : `${name} is marked. Copy it by the keyboard.`;
      clearTimeout(back);
      back = setTimeout(() => {
        button.firstChild.data = "Copy";
        said.textContent = "";
      }, 3_000);
    });
  }

  for (const field of document.querySelectorAll("[data-download]")) {
    beside(field, "Download", called(field)).addEventListener("click", () => {
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([field.value], { type: "text/csv" }));
      link.download = field.dataset.download;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    });
  }

  for (const field of document.querySelectorAll('input[type="password"][autocomplete="new-password"]')) {
    const button = beside(field, "Show", called(field));
    const show = (shown) => {
      field.type = shown ? "text" : "password";
      button.firstChild.data = shown ? "Hide" : "Show";
    };
    button.addEventListener("click", () => show(field.type === "password"));
    // A password that is sent is one for the browser's own keeper, too.
    field.form?.addEventListener("submit", () => show(false));
  }
}
