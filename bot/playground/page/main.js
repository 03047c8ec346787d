// Entry point: starts the parts of the page and redraws them at each change.

import { drawConversation, startConversation } from "./conversation.js";
import { drawGuide, startGuide } from "./guide.js";
import { drawModal, startModal } from "./modal.js";
import { begin, follow } from "./session.js";
import { drawSidebar, startSidebar } from "./sidebar.js";
import { here, onChange, state, title } from "./state.js";
import { drawThread, startThread } from "./thread.js";
import { drawTimebar, startTimebar } from "./timebar.js";

const part = (id) => document.getElementById(id);

startTimebar(part("timebar"));
startGuide(part("guide"));
startSidebar(part("sidebar"), part("backdrop"));
startConversation(part("conversation"));
startThread(part("thread"));
startModal(part("modal"));

onChange(() => {
  drawGuide();
  drawTimebar();
  drawSidebar(part("sidebar"), part("backdrop"));
  drawConversation();
  drawThread(part("thread"));
  drawModal();
  drawTitle();
});

function drawTitle() {
  const waiting = [...state.conversations.values()].reduce((sum, one) => sum + one.mentions, 0);
  const count = waiting ? `(${waiting}) ` : "";
  document.title = here() ? `${count}${title(here())} · ${state.workspace.name}` : "Playground";
}

// Links to places in this workspace stay on this page.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey) return;
  if (link.getAttribute("href").startsWith("#")) return;
  if (follow(link.href)) event.preventDefault();
});

// Emoji drawn before their font has arrived would stay empty boxes in Chromium.
document.fonts.load('1em "Bundled Emoji"', "🏁").then(begin, begin);
