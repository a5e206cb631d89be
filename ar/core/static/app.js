// The little that the pages do in the browser: a question before what cannot be undone, closing a notice, copying
// a field, and the CSRF token on htmx's requests. Everything works without it but for the question.
"use strict";

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.matches("[hx-post], [hx-put], [hx-patch], [hx-delete]")) return;
  const question = event.submitter?.dataset.confirm ?? form.dataset.confirm;
  if ((question && !window.confirm(question)) || form.dataset.sent) {
    event.preventDefault();
    return;
  }
  if (form.method !== "post") return;
  form.dataset.sent = "yes"; // a double click sends once
  window.setTimeout(() => delete form.dataset.sent, 4000);
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-dismiss]")) event.target.closest("[data-flash]")?.remove();
});

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const field = document.getElementById(button.dataset.copy);
  field.select(); // where there is no clipboard, as on plain HTTP, it is ready to be copied by hand
  await navigator.clipboard?.writeText(field.value);
  if (navigator.clipboard) button.textContent = button.dataset.done;
});

document.addEventListener("htmx:configRequest", (event) => {
  const token = document.querySelector('meta[name="csrf-token"]')?.content;
  if (token) event.detail.headers["X-CSRF-Token"] = token;
});

document.addEventListener("htmx:confirm", (event) => {
  const question = event.detail.elt.dataset.confirm;
  if (!question) return;
  event.preventDefault();
  if (window.confirm(question)) event.detail.issueRequest(true);
});
