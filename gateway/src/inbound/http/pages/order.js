// One order, live: by Server-Sent Events, and by asking again where those do not work.
"use strict";

const POLL_MS = 3000;
const $ = (id) => document.getElementById(id);
const money = (m) => (m ? `${(m.amount_minor / 100).toFixed(2)} ${m.currency.toUpperCase()}` : "");
const query = new URLSearchParams(location.search);
const path = ["customer_id", "order_id"].every((name) => query.get(name))
  ? `/api/customers/${encodeURIComponent(query.get("customer_id"))}/orders/${encodeURIComponent(query.get("order_id"))}`
  : null;

const TEXTS = {
  pending: "We are placing your order…",
  waiting_payment: "Waiting for your payment.",
  paid: "Paid. The kitchen has your order.",
  preparing: "Your order is being prepared.",
  ready: "Your order is ready to be picked up.",
  completed: "Picked up. Enjoy!",
  cancelled: "This order was cancelled.",
  expired: "The payment link has expired.",
  refunding: "Your money is on its way back.",
  refunded: "Your money was refunded.",
};
const CANCELLABLE = ["pending", "waiting_payment", "paid"];

function show(order) {
  $("status").textContent = TEXTS[order.status] || order.status;
  $("total").textContent = order.total ? `Total: ${money(order.total)}` : "";
  $("lines").replaceChildren(
    ...order.items.map((line) => {
      const entry = document.createElement("li");
      entry.textContent = `${line.quantity} × ${line.name || line.id} ${money(line.subtotal)}`;
      return entry;
    }),
  );
  showLink(order);
  $("cancel").hidden = !CANCELLABLE.includes(order.status);
}

function showLink(order) {
  $("pay").replaceChildren();
  if (order.status !== "waiting_payment" || !/^https?:\/\//.test(order.payment_link || "")) return;
  const link = document.createElement("a");
  link.href = order.payment_link;
  link.textContent = "Pay now";
  $("pay").append(link);
}

async function ask(method, url) {
  const answer = await fetch(url, { method });
  const body = await answer.json();
  if (!answer.ok) throw new Error(body.detail || answer.statusText);
  show(body.order);
}

const say = (error) => { $("message").textContent = error.message; };

function poll() {
  ask("GET", path).catch(say);
  setTimeout(poll, POLL_MS);
}

function follow() {
  if (document.body.dataset.live !== "on" || !window.EventSource) return poll();
  const stream = new EventSource(`${path}/events`);
  let seen = false;
  stream.addEventListener("order", (event) => {
    seen = true;
    show(JSON.parse(event.data));
  });
  stream.addEventListener("error", () => {
    if (stream.readyState === EventSource.CLOSED && !seen) poll();
  });
}

if (path) {
  $("cancel").addEventListener("click", () => ask("POST", `${path}/cancel`).catch(say));
  follow();
} else {
  $("status").textContent = "Which order? The link is not complete.";
}
