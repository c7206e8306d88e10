// One order, live: by Server-Sent Events, and by asking again where those do not work.
import { $, ask, customerPath, isWebLink, money, say } from "/assets/parts.js";

const POLL_MS = 3000;
const query = new URLSearchParams(location.search);
const path = ["customer_id", "order_id"].every((name) => query.get(name))
  ? `${customerPath(query.get("customer_id"))}/${encodeURIComponent(query.get("order_id"))}`
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
const OVER = ["completed", "cancelled", "expired", "refunded"];
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
  if (order.status !== "waiting_payment" || !isWebLink(order.payment_link)) return;
  const link = document.createElement("a");
  link.href = order.payment_link;
  link.textContent = "Pay now";
  $("pay").append(link);
}

async function update(method, url) {
  const { order } = await ask(method, url);
  show(order);
  return order;
}

async function poll() {
  let over = false;
  try {
    over = OVER.includes((await update("GET", path)).status);
  } catch (error) {
    say(error);
  }
  if (!over) setTimeout(poll, POLL_MS);
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
  $("cancel").addEventListener("click", () => update("POST", `${path}/cancel`).catch(say));
  follow();
} else {
  $("status").textContent = "Which order? The link is not complete.";
}
