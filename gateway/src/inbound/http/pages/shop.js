// The menu, the order form and the customer's orders.
import { $, ask, customerPath, isWebLink, money, say } from "/assets/parts.js";

function cell(row, content) {
  const td = row.insertCell();
  td.append(content);
  return td;
}

async function showMenu() {
  const { items } = await ask("GET", "/api/items");
  const menu = $("menu");
  menu.replaceChildren();
  for (const item of items) {
    const row = menu.insertRow();
    cell(row, item.name);
    cell(row, money(item.price));
    cell(row, String(item.available));
    const quantity = document.createElement("input");
    Object.assign(quantity, { type: "number", min: 0, max: 1000, value: 0 });
    quantity.dataset.item = item.id;
    quantity.setAttribute("aria-label", `Quantity of ${item.name}`);
    cell(row, quantity);
  }
}

function orderPage(order) {
  const query = new URLSearchParams({ customer_id: order.customer_id, order_id: order.id });
  return `/success.html?${query}`;
}

async function showOrders() {
  const customer = $("customer").value;
  const list = $("orders");
  list.replaceChildren();
  if (!$("customer").checkValidity()) return;
  const { orders } = await ask("GET", customerPath(customer));
  for (const order of orders) {
    const link = document.createElement("a");
    link.href = orderPage(order);
    link.textContent = order.id;
    const entry = document.createElement("li");
    entry.append(link, ` ${order.status} ${money(order.total)}`);
    list.append(entry);
  }
}

function wanted() {
  const inputs = [...document.querySelectorAll("input[data-item]")];
  return inputs
    .map((input) => ({ id: input.dataset.item, quantity: Number.parseInt(input.value, 10) || 0 }))
    .filter((line) => line.quantity > 0);
}

function orderBody() {
  const body = { items: wanted() };
  if ($("note").value) body.note = $("note").value;
  if ($("email").value) body.email = $("email").value;
  return JSON.stringify(body);
}

// One key per content until it succeeds: pressing the button again after a failure places one order.
let key = { body: "", value: "" };
function keyFor(body) {
  if (key.body !== body) {
    const random = crypto.getRandomValues(new Uint32Array(4));
    key = { body, value: [...random].map((n) => n.toString(16)).join("-") };
  }
  return key.value;
}

async function place(event) {
  event.preventDefault();
  const body = orderBody();
  const path = customerPath($("customer").value);
  const headers = { "content-type": "application/json", "idempotency-key": keyFor(body + path) };
  $("message").textContent = "Placing the order…";
  const { order } = await ask("POST", path, headers, body);
  key = { body: "", value: "" };
  location.assign(isWebLink(order.payment_link) ? order.payment_link : orderPage(order));
}

$("order").addEventListener("submit", (event) => place(event).catch(say));
$("customer").addEventListener("change", () => showOrders().catch(say));
showMenu().catch(say);
showOrders().catch(say);
